"""Fault catalogue, section 2.4: YAML and schema. One test per row.

Y-12 (two services with one host port), Y-13 (environment variables) and Y-14 (dependency cycles) belong to
the Compose model and are tested there.

``RECONCILE_FUZZ_CASES`` sets the number of cases of Y-17; the catalogue asks for 200,000.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reconciler.adapters.state_files import YamlStateFiles, decode
from reconciler.errors import Finding, Invalid, InvalidSettings, InvalidState

ROOT = Path(__file__).parents[2]
FILES = YamlStateFiles()
CASES = int(os.environ.get("RECONCILE_FUZZ_CASES", "400"))
LIMIT = 1024 * 1024
DIGEST = f"sha256:{'a' * 64}"
LEAST = "version: 1\nenvironments:\n  a:\n    project: p\n    compose: [c.yml]\n"


def settings_findings(text: str) -> tuple[Finding, ...]:
    with pytest.raises(InvalidSettings) as raised:
        FILES.settings(text, "reconcile.yaml")
    assert raised.value.findings
    return raised.value.findings


def pins_findings(text: str) -> tuple[Finding, ...]:
    with pytest.raises(InvalidState) as raised:
        FILES.pins(text, "p.yaml")
    assert raised.value.findings
    return raised.value.findings


def says(findings: tuple[Finding, ...], words: str) -> bool:
    return any(words in str(finding) for finding in findings)


def pin(image: str) -> str:
    return f"services:\n  web:\n    image: {image}\n"


@pytest.mark.parametrize("written", ["1.10", "0123", "20240101", "0000000", "0x1F", "1e3", ".inf", "true"])
def test_y01_numbers_where_text_is_meant(written: str) -> None:
    findings = settings_findings(LEAST.replace("project: p", f"project: {written}"))
    assert says(findings, f"quote it: '{written}'")
    assert pins_findings(pin(written))


@pytest.mark.parametrize("written", ["685230_1", "2024-01-01"])
def test_y01_text_that_only_yaml_1_1_takes_for_something_else(written: str) -> None:
    (environment,) = FILES.settings(LEAST.replace("project: p", f"project: {written}"), "reconcile.yaml")
    assert environment.project == written


@pytest.mark.parametrize("written", ["no", "on", "off", "y"])
def test_y02_keys_and_values_that_yaml_1_1_takes_for_truth(written: str) -> None:
    (environment,) = FILES.settings(
        LEAST.replace("  a:", f"  {written}:").replace("p\n", f"{written}\n"), "r"
    )
    assert (environment.name, environment.project) == (written, written)
    assert FILES.pins(pin(f"web@{DIGEST}").replace("web:", f"{written}:"), "p")[0].service == written


def test_y03_duplicate_keys_name_both_lines() -> None:
    (finding,) = pins_findings(pin(f"web:1@{DIGEST}") + f"  web:\n    image: web:2@{DIGEST}\n")
    assert str(finding) == "p.yaml:4:3: 'services.web' is written twice (the first one is on line 2)"
    assert says(settings_findings(LEAST + "    project: q\n"), "'environments.a.project' is written twice")


def test_y04_alias_bombs() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)
    )
    for findings in (settings_findings(bomb), pins_findings(bomb)):
        assert says(findings, "anchors (&name) are not supported")


def test_y05_recursive_aliases() -> None:
    for findings in (settings_findings("a: &x {b: *x}\n"), pins_findings("services: &x {b: *x}\n")):
        assert says(findings, "aliases (*name) are not supported")


@pytest.mark.parametrize("depth", [500, 100_000, LIMIT])
def test_y06_depth(depth: int) -> None:
    for opened in ("[", "{a: ", "- ", "? "):
        text = (opened * depth)[:LIMIT]
        assert says(settings_findings(text), "nested more than")
        assert says(pins_findings(text), "nested more than")


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system [id]", "!custom x", "!!binary eA==", "!!str x", "! x"]
)
def test_y07_tags(tag: str) -> None:
    for findings in (settings_findings(f"{LEAST}x: {tag}\n"), pins_findings(pin(tag))):
        assert says(findings, "tags (!name) are not supported")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{text}---\na: b\n", "a second document starts here"),
        ("", "the file is empty"),
        ("# nothing\n", "the file holds nothing but comments"),
        ("- a\n", ":1:1: "),
        ("a\n", ":1:1: "),
        ("\ufeff{text}", "byte order mark"),
        ("{text}# \0\n", "NUL"),
        ("{text}\tx: y\n", "indent with spaces"),
        (".inf\n", ":1:1: "),
    ],
)
def test_y08_odd_documents_are_located(text: str, words: str) -> None:
    for findings in (
        settings_findings(text.replace("{text}", LEAST)),
        pins_findings(text.replace("{text}", pin(f"web@{DIGEST}"))),
    ):
        assert says(findings, words), findings
        assert all(finding.line for finding in findings)


def test_y08_encodings_and_line_ends() -> None:
    for data in ("a: 1\n".encode("utf-16"), "a: 1\n".encode("utf-16-be"), b"a: \xe9\n"):
        with pytest.raises(InvalidState):
            FILES.pins(decode(data, "p.yaml"), "p.yaml")
    assert FILES.settings(LEAST.replace("\n", "\r\n"), "r") == FILES.settings(LEAST, "r")
    assert FILES.pins(pin(f"web@{DIGEST}").replace("\n", "\r\n"), "p") == FILES.pins(
        pin(f"web@{DIGEST}"), "p"
    )


def test_y08_empty_is_not_no_services() -> None:
    for text in ("", "# services:\n", "services:\n", "services: null\n", "{}\n"):
        assert pins_findings(text)
    assert FILES.pins("services: {}\n", "p.yaml") == ()


@pytest.mark.parametrize("text", ["a: " + "x" * 10_000_000, "".join(f"k{n}: v\n" for n in range(100_000))])
def test_y09_size(text: str) -> None:
    started = time.process_time()
    for findings in (settings_findings(text), pins_findings(text)):
        assert says(findings, "larger than 1 MiB") or says(findings, "keys and values")
    assert time.process_time() - started < 1.0


def test_y10_unknown_keys_and_wrong_types() -> None:
    assert says(pins_findings(f"services:\n  web:\n    imgae: web@{DIGEST}\n"), "did you mean 'image'?")
    assert says(settings_findings(LEAST + "    porject: q\n"), "did you mean 'project'?")
    assert says(settings_findings(LEAST + "    prune: [yes]\n"), "true or false is expected")
    assert says(settings_findings(LEAST + "    gate: soon\n"), "'soon' is not a mapping of keys and values")


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("web", "the image has no digest ('reconcile pin ENV web=web:TAG' finds and writes it)"),
        ("web:latest", "the image has no digest ('reconcile pin ENV web=web:latest' finds and writes it)"),
        (f"Web:1@{DIGEST}", "repositories are lower case"),
        (f"web:1@{DIGEST[:-1]}", "is not a digest"),
        (f"web:1@{DIGEST}0", "is not a digest"),
        (f"web:1@{DIGEST.replace('a', 'A')}", "is not a digest"),
        ("web:1@sha512:00", "is not a digest"),
        (f"${{REGISTRY}}/web:1@{DIGEST}", "a pin holds no variables"),
    ],
)
def test_y11_images(image: str, words: str) -> None:
    assert says(pins_findings(pin(image)), words), pins_findings(pin(image))


def test_y11_the_digest_is_the_truth_whatever_the_tag() -> None:
    (read,) = FILES.pins(pin(f"web:latest@{DIGEST}"), "p.yaml")
    assert (read.image.tag, read.image.digest) == ("latest", DIGEST)


def test_y15_one_invalid_pins_file_leaves_the_others_valid() -> None:
    text = LEAST + "  b: {project: q, compose: [c.yml]}\n"
    good, bad = FILES.settings(text, "reconcile.yaml")
    assert pins_findings("services:\n")
    assert FILES.pins(pin(f"web@{DIGEST}"), good.pins)
    assert good.pins != bad.pins


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("a", True),
        ("0", True),
        ("a" * 63, True),
        ("a" * 64, False),
        ("-a", False),
        ("A", False),
        ("é", False),
    ],
)
def test_y16_names(name: str, good: bool) -> None:
    text = LEAST.replace("  a:", f"  {name!r}:")
    assert (
        [environment.name for environment in FILES.settings(text, "r")] == [name]
        if good
        else settings_findings(text)
    )


def test_y16_service_names() -> None:
    assert FILES.pins(pin(f"w@{DIGEST}").replace("web:", "w:"), "p")[0].service == "w"
    for name in ("a/b", "a b", "é", "a" * 256, "${A}"):
        assert says(pins_findings(pin(f"w@{DIGEST}").replace("web:", f"{name!r}:")), "is not a service name")


def refused(read: Callable[[], object]) -> tuple[Finding, ...] | None:
    """The findings, or None when the file is good. Any other exception is the bug that is looked for."""
    try:
        read()
    except Invalid as error:
        return error.findings
    return None


def outcome(text: str) -> None:
    """Read ``text`` as both kinds of file: it is good, or every problem is a located finding."""
    for method in (FILES.settings, FILES.pins):
        started = time.process_time()
        findings = refused(partial(method, text, "f.yaml"))
        # Generous to a busy machine; test_y17_time_and_memory holds the 0.5 s of the catalogue.
        assert time.process_time() - started < 1.0
        if findings is not None:
            assert findings
            assert all(finding.line and len(str(finding)) < 1000 for finding in findings)


pieces = st.sampled_from(
    [
        *"[]{},:#&*!|>'\"%@`?-~ \t\r\n\0\\",
        *(
            "- ",
            ": ",
            "? ",
            "\n  ",
            "\n    ",
            "---\n",
            "...\n",
            "<<: ",
            "&a ",
            "*a",
            "!!str ",
            "!x ",
            "%TAG ! x\n",
            "|\n ",
        ),
        *(
            "services:\n",
            "  web:\n",
            "    image: ",
            f"web:1@{DIGEST}\n",
            "services: {}",
            "null",
            "true",
            "1.10",
            "0x1",
            ".inf",
        ),
        *(
            "version: 1\n",
            "environments:\n",
            "  a:\n",
            "    project: p\n",
            "    compose: [c.yml]\n",
            "    gate:\n",
            "checks: ",
        ),
        *(
            "{http: {url: 'http://a:b@c/${X}'}}",
            "severity: ",
            "\ufeff",
            "\u2028",
            "é",
            "😀",
            "\x85",
            "9" * 5000,
            "a" * 100,
        ),
    ]
)
texts = st.one_of(st.text(max_size=200), st.lists(pieces, max_size=40).map("".join))
texts = st.one_of(
    texts, texts.map(lambda text: LEAST + text), texts.map(lambda text: pin(f"web@{DIGEST}") + text)
)


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts)
@example("version: " + "9" * 5000)
def test_y17_any_text(text: str) -> None:
    outcome(text)


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300))
def test_y17_any_bytes(data: bytes) -> None:
    findings = refused(lambda: decode(data, "f.yaml"))
    assert findings is None or findings
    if findings is None:
        outcome(decode(data, "f.yaml"))


def hostile() -> dict[str, str]:
    """Texts up to the size limit that are slow or large for a careless reader."""
    environment = "  e{0}:\n    project: p{0}\n    compose: [a.yml]\n    gate:\n      checks:\n" + "".join(
        f"        c{n}: {{{{http: {{{{url: 'http://localhost:80/h'}}}}, severity: critical}}}}\n"
        for n in range(3)
    )
    check = LEAST + "    gate: {checks: {a: {http: {url: 'http://%s'}}}}\n"
    return {
        "brackets": "[" * LIMIT,
        "closed brackets": "[" * (LIMIT // 2) + "]" * (LIMIT // 2),
        "lists": "- " * (LIMIT // 2),
        "explicit keys": "? " * (LIMIT // 2),
        "flow keys": "{" + "?," * (LIMIT // 2 - 2),
        "keys": "".join(f"k{n}: v\n" for n in range(90_000)),
        "equal keys": "k: v\n" * (LIMIT // 5),
        "flow items": "[" + "a," * (LIMIT // 2 - 2) + "]",
        "documents": "---\n" * (LIMIT // 4),
        "directives": "".join(f"%TAG !e{n}! tag:x,2000:\n" for n in range(38_000)),
        "anchors": "".join(f"- &a{n} x\n" for n in range(75_000)),
        "one scalar": "a: " + "x" * (LIMIT - 10),
        "escapes": 'a: "' + "\\x41" * (LIMIT // 4 - 4) + '"',
        "one key": "x" * (LIMIT - 10) + ": a",
        "lines": "\n" * LIMIT,
        "block": "a: |\n" + " x\n" * (LIMIT // 3 - 10),
        "emoji": "a: " + "😀" * (LIMIT // 4 - 4),
        "environments": "version: 1\nenvironments:\n" + "".join(environment.format(n) for n in range(270)),
        "wrong environments": "version: 1\nenvironments:\n"
        + "".join(f"  e{n}: {{prjoect: x}}\n" for n in range(2400)),
        "compose files": LEAST.replace("c.yml", ",".join(f"{{a: b{n}}}" for n in range(6000))),
        "long url": check % ("a." * (LIMIT // 2 - 200)),
        "long credentials": check % ("a:" * (LIMIT // 2 - 200) + "@b"),
        "long path": LEAST.replace("c.yml", "'" + "../" * (LIMIT // 3 - 200) + "'"),
        "pins": "services:\n" + "".join(f"  s{n}:\n    image: a:1@{DIGEST}\n" for n in range(2400)),
        "wrong pins": "services:\n" + "".join(f"  s{n}:\n    imgae: a:1@{DIGEST}\n" for n in range(2400)),
        "long image": "services:\n  a:\n    image: " + "a-" * (LIMIT // 2 - 100),
    }


# One process per text, so that its time and its memory are its own.
MEASURE = r"""
import json, re, sys, time
from pathlib import Path
from reconciler.adapters.state_files import YamlStateFiles
from reconciler.errors import Invalid
method = getattr(YamlStateFiles(), sys.argv[1])
import jsonschema, yaml
text, best = sys.stdin.read(), 9.9
for _ in range(3):
    started = time.process_time()
    try:
        method(text, "f.yaml")
    except Invalid:
        pass
    best = min(best, time.process_time() - started)
# Not ru_maxrss, which a child inherits from the process that forked it.
peak = int(re.search(r"VmHWM:\s*([0-9]+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps([best, peak]))
"""


@pytest.mark.parametrize("kind", ["settings", "pins"])
@pytest.mark.parametrize("name", hostile())
def test_y17_time_and_memory(name: str, kind: str) -> None:
    text = hostile()[name]
    assert len(text.encode()) <= LIMIT
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, kind],
        input=text,
        text=True,
        capture_output=True,
        cwd=ROOT,
        check=True,
    )
    seconds, peak = json.loads(done.stdout)
    assert seconds < 0.5
    assert peak < 100
