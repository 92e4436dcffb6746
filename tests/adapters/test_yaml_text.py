"""YAML as text with positions: what is read, and how everything else is refused."""

from __future__ import annotations

import pytest
import yaml

from reconciler.adapters.state_files.nodes import Items, Mapping, Node, Text
from reconciler.adapters.state_files.scan import MAX_DEPTH
from reconciler.adapters.state_files.source import Source, decode, quoted
from reconciler.adapters.state_files.yaml_text import MAX_NODES, MAX_TEXT, read
from reconciler.errors import Finding, InvalidSettings, InvalidState


def plain(node: Node | None) -> object:
    match node:
        case Mapping():
            return {key.value: plain(value) for key, value in node.entries}
        case Items():
            return [plain(item) for item in node.items]
        case Text():
            return node.value
        case None:
            return None


def document(text: str) -> object:
    node, findings = read(Source.of(text, "f.yaml"))
    assert findings == ()
    return plain(node)


def refusals(text: str) -> list[str]:
    return [
        f"{finding.line}:{finding.column} {finding.message}" for finding in read(Source.of(text, "f.yaml"))[1]
    ]


@pytest.mark.parametrize(
    "written",
    ["1.10", "0123", "20240101", "2024-01-01", "22:22", "685230_1", "on", "NO", "~", ".inf", "0x1F", "1e3"],
)
def test_scalars_stay_the_text_they_are(written: str) -> None:
    assert document(f"key: {written}\n") == {"key": written}
    assert document(f"{written}: x\n") == {written: "x"}


def test_positions_are_those_of_an_editor() -> None:
    source = Source.of("# é😀\r\na:\r\n  - 'é'\r\n  - {b: c}\r\n", "f.yaml")
    root, _ = read(source)
    assert isinstance(root, Mapping)
    items = root.entries[0][1]
    assert isinstance(items, Items)
    first, second = items.items
    assert isinstance(first, Text)
    assert isinstance(second, Mapping)
    assert (first.line, first.column, first.style, source.text[first.start : first.end]) == (3, 5, "'", "'é'")
    assert (second.line, second.column, second.flow) == (4, 5, True)
    assert source.text[second.start : second.end] == "{b: c}"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_counts_once(end: str) -> None:
    assert refusals(end.join(["a: 1", "b: 2", "a: 3", ""])) == ["3:1 'a' is written twice"]


def test_duplicate_keys_name_both_lines_and_the_way_there() -> None:
    _, findings = read(Source.of("a:\n  b:\n    c: 1\n    d: 2\n    c: 3\n", "f.yaml"))
    hint = "the first one is on line 3"
    assert findings == (Finding("f.yaml", 5, 5, "'a.b.c' is written twice", hint, "    c: 3"),)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("", "1:1 the file is empty"),
        (" \n\n", "1:1 the file is empty"),
        ("# nothing\n", "1:1 the file holds nothing but comments"),
        ("---\n...\n", "1:1 the file holds nothing but comments"),
        ("a: 1\n---\nb: 2\n", "2:1 a second document starts here"),
        ("\ufeffa: 1\n", "1:1 the file starts with a byte order mark"),
        ("a: 1\nb: \0\n", "2:4 the file contains a NUL character"),
        ("a: \ud800\n", "1:4 half of a surrogate pair (U+D800) is not a character"),
        ("a: x\u202ey\n", "1:5 U+202E reorders the text that a reader sees"),
        ("a: x\u0085y\n", "1:5 the character U+0085 is not allowed here"),
        ("a:\n\tb: c\n", "2:1 not YAML: this character cannot start a value"),
        ("a: b: c\n", "1:5 not YAML: a second ':' or a wrong indentation"),
        ("a:\n  b: 1\n c: 2\n", "3:2 not YAML: the indentation fits no line above"),
        ("a: 'b\n", "2:1 not YAML: a quote or bracket is never closed"),
        ("a: [b\n", "2:1 not YAML: a bracket is never closed, or a comma is missing"),
        ("a: 1\nb\n", "3:1 not YAML: a key without ':'"),
        ("%YAML 1.1\n---\na: 1\n", "1:1 directives (lines that start with %) are not supported"),
        ("a: &x 1\n", "1:4 anchors (&name) are not supported"),
        ("a: *x\n", "1:4 aliases (*name) are not supported"),
        ("<<: {a: 1}\n", "1:1 merge keys (<<) are not supported"),
        ("a: !x 1\n", "1:4 tags (!name) are not supported"),
        ("a: !!str 1\n", "1:4 tags (!name) are not supported"),
        ("? [a]\n: b\n", "1:3 a key must be plain text"),
        ("'': b\n", "1:1 a key is empty"),
        ("a: 1\n\tb: 2\n", "2:1 not YAML: a tab where the indentation ends"),
        ('a: "x\\ny"\n', "1:4 a line break or an invisible character in a value"),
        ('a: "\\0"\n', "1:4 a line break or an invisible character in a value"),
    ],
)
def test_what_is_refused_is_located(text: str, refused: str) -> None:
    assert refused in refusals(text)


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 100_000, "? " * 100_000, "[{a: " * 20_000])
def test_depth_is_limited_before_the_parser_suffers(text: str) -> None:
    assert f"nested more than {MAX_DEPTH} levels deep" in refusals(text)[-1]


def test_size_and_number_of_nodes_are_limited() -> None:
    assert refusals("#" * (1024 * 1024)) == ["1:1 the file holds nothing but comments"]
    assert refusals("#" * (1024 * 1024 + 1)) == ["0:0 the file is larger than 1 MiB"]
    assert refusals("é" * (1024 * 512 + 1)) == ["0:0 the file is larger than 1 MiB"]
    assert refusals("a: " + "x" * (MAX_TEXT + 1)) == [
        f"1:4 a key or value is longer than {MAX_TEXT} characters"
    ]
    assert f"the file has more than {MAX_NODES} keys and values" in refusals("- a\n" * (MAX_NODES + 1))[0]


def test_without_libyaml_the_same_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "# c\r\na: {b: 'c'}\r\nd:\r\n  - 1.10\r\n"
    fast = read(Source.of(text, "f.yaml"))
    monkeypatch.delattr(yaml, "CSafeLoader")
    slow = read(Source.of(text, "f.yaml"))
    assert plain(slow[0]) == plain(fast[0]) == {"a": {"b": "c"}, "d": ["1.10"]}
    assert refusals("[" * 500) == [f"1:{MAX_DEPTH + 1} nested more than {MAX_DEPTH} levels deep"]
    assert refusals("a: 'b\n")[0].startswith("2:1 not YAML")


@pytest.mark.parametrize(
    ("data", "line", "column", "message"),
    [
        (b"a: 1\nb: \xff\n", 2, 4, "byte 0xff is not UTF-8"),
        ("# é\na: ü".encode() + b"\xe9", 2, 5, "byte 0xe9 is not UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, 1, "the file is UTF-16, not UTF-8"),
        (b"#" * (1024 * 1024 + 1), 0, 0, "the file is larger than 1 MiB"),
    ],
)
def test_bytes_that_are_no_text(data: bytes, line: int, column: int, message: str) -> None:
    with pytest.raises(InvalidState) as raised:
        decode(data, "f.yaml")
    (finding,) = raised.value.findings
    assert (finding.line, finding.column, finding.message) == (line, column, message)


def test_bytes_that_are_text() -> None:
    assert decode("a: é\r\n".encode(), "f.yaml") == "a: é\r\n"
    with pytest.raises(InvalidSettings):
        decode(b"\xff", "reconcile.yaml", InvalidSettings)


def test_neither_excerpts_nor_quotations_show_credentials() -> None:
    line = "url: http://admin:hunter2@host/ # and ssh://deploy@host"
    finding = Source.of(line, "f.yaml").finding(1, 6, "no")
    assert finding.excerpt == "url: http://*************@host/ # and ssh://deploy@host"
    assert "hunter2" not in quoted("tcp://root:hunter2@host")
    assert len(quoted("x" * 1_000_000)) < 100
