"""YAML as nodes with positions: every scalar stays text, and nothing that could surprise gets through.

A strict subset: one document, no anchors, aliases, merge keys, tags or directives, no key twice. It is read
from libyaml's events and not with its composer, which recurses in C: 100,000 times ``[`` end the process with
a segmentation fault, and even the events of such a text take 20 s. Stopping at a depth and at a number of
nodes prevents both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import yaml

from reconciler.adapters.state_files.nodes import Items, Mapping, Node, Text
from reconciler.adapters.state_files.scan import MAX_DEPTH, syntax_error, unreadable
from reconciler.adapters.state_files.source import MAX_FINDINGS, Source, quoted
from reconciler.errors import Finding

MAX_NODES: Final = 10_000
MAX_TEXT: Final = 8_192


def read(source: Source) -> tuple[Node | None, tuple[Finding, ...]]:
    """Read one YAML document.

    Returns:
        The document and what is wrong with it. There is no document where it could not be understood; there
        may be one together with findings, and then the first of two equal keys counts.
    """
    found = unreadable(source)
    if found is not None:
        return None, (found,)
    composer = _Composer(source)
    try:
        for event in yaml.parse(source.text, Loader=_loader()):
            composer.take(event)
            if composer.full:
                break
    except yaml.MarkedYAMLError as error:
        composer.lost(syntax_error(source, error))
    except yaml.YAMLError as error:
        composer.lost(Finding(source.path, 0, 0, f"not YAML: {quoted(str(error))}"))
    return composer.result()


def _loader() -> type[yaml.SafeLoader] | type[yaml.CSafeLoader]:
    """The loader of libyaml, 20 times as fast; a PyYAML that was built without it has only the other one."""
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet."""

    event: yaml.CollectionStartEvent
    nodes: list[Node] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def mapping(self) -> bool:
        return isinstance(self.event, yaml.MappingStartEvent)

    @property
    def wants_key(self) -> bool:
        return self.mapping and len(self.nodes) % 2 == 0


class _Composer:
    """Builds nodes from events, with a stack of its own instead of recursion."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._findings: list[Finding] = []
        self._stack: list[_Open] = []
        self._root: Node | None = None
        self._documents = 0
        self._nodes = 0
        self._useless = False

    @property
    def full(self) -> bool:
        """Whether reading on would bring nothing."""
        return (
            self._documents > 1
            or self._nodes > MAX_NODES
            or len(self._stack) > MAX_DEPTH
            or len(self._findings) >= MAX_FINDINGS
        )

    def lost(self, finding: Finding) -> None:
        """Note a finding after which the document cannot be used at all."""
        self._findings.append(finding)
        self._useless = True

    def result(self) -> tuple[Node | None, tuple[Finding, ...]]:
        """The document, and the findings."""
        nothing = self._root is None or (isinstance(self._root, Text) and self._root.empty)
        if nothing and not self._findings:
            blank = not self._source.text.strip()
            self.lost(
                self._source.finding(
                    1, 1, "the file is empty" if blank else "the file holds nothing but comments"
                )
            )
        return (None if self._useless else self._root), tuple(self._findings)

    def take(self, event: yaml.Event) -> None:
        """Add one event of the parser."""
        match event:
            case yaml.ScalarEvent():
                self._count(event)
                self._refuse_extras(event)
                self._add(_text(event), event)
            case yaml.CollectionStartEvent():
                self._begin(event)
            case yaml.CollectionEndEvent():
                self._end(event)
            case yaml.AliasEvent():
                self._lost_at(event, "aliases (*name) are not supported", "write the value out")
                self._add(_text(event), event)
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self._lost_at(event, "a second document starts here", "keep one document in the file")
            case _:
                pass  # The ends of documents and of the stream say nothing.

    def _note(self, event: yaml.Event, message: str, hint: str = "") -> None:
        line, column, _ = _mark(event.start_mark)
        self._findings.append(self._source.finding(line, column, message, hint))

    def _lost_at(self, event: yaml.Event, message: str, hint: str = "") -> None:
        self._note(event, message, hint)
        self._useless = True

    def _count(self, event: yaml.Event) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._lost_at(event, f"the file has more than {MAX_NODES} keys and values")

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        self._count(event)
        self._refuse_extras(event)
        if self._stack and self._stack[-1].wants_key:
            self._lost_at(event, "a key must be plain text", "write 'key: value'")
        self._stack.append(_Open(event))
        if len(self._stack) > MAX_DEPTH:
            self._lost_at(event, f"nested more than {MAX_DEPTH} levels deep")

    def _end(self, event: yaml.CollectionEndEvent) -> None:
        done = self._stack.pop()
        line, column, start = _mark(done.event.start_mark)
        where = (line, column, start, _mark(event.end_mark)[2], bool(done.event.flow_style))
        if not done.mapping:
            self._add(Items(tuple(done.nodes), *where), done.event)
            return
        pairs = zip(done.nodes[::2], done.nodes[1::2], strict=True)
        entries = {key.value: (key, value) for key, value in reversed([*pairs]) if isinstance(key, Text)}
        self._add(Mapping(tuple(reversed(entries.values())), *where), done.event)

    def _add(self, node: Node, event: yaml.Event) -> None:
        if not self._stack:
            self._root = node
            return
        parent = self._stack[-1]
        if parent.wants_key and isinstance(node, Text):
            self._check_key(parent, node, event)
        parent.nodes.append(node)

    def _check_key(self, parent: _Open, key: Text, event: yaml.Event) -> None:
        if key.value == "<<" and not key.style:
            self._lost_at(event, "merge keys (<<) are not supported", "write the values out")
        elif not key.value:
            self._lost_at(event, "a key is empty", "write 'key: value'")
        elif key.value in parent.seen:
            message = f"{quoted(self._dotted(key.value))} is written twice"
            hint = f"the first one is on line {parent.seen[key.value]}"
            self._findings.append(self._source.finding(key.line, key.column, message, hint))
        parent.seen.setdefault(key.value, key.line)

    def _dotted(self, key: str) -> str:
        """``a.b.key``: the keys that are open around ``key``."""
        above = [frame.nodes[-1] for frame in self._stack[:-1] if frame.mapping and frame.nodes]
        return ".".join([*(node.value for node in above if isinstance(node, Text)), key])

    def _refuse_extras(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            self._note(event, "anchors (&name) are not supported", "write the value out where it is used")
        if event.tag is not None:
            self._note(
                event, "tags (!name) are not supported", "remove it; quote text that looks like a number"
            )
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > MAX_TEXT:
            self._lost_at(event, f"a key or value is longer than {MAX_TEXT} characters")
        elif isinstance(event, yaml.ScalarEvent) and not event.value.isprintable():
            self._note(event, "a line break or an invisible character in a value", "write it on one line")


def _text(event: yaml.ScalarEvent | yaml.AliasEvent) -> Text:
    line, column, start = _mark(event.start_mark)
    last_line, _, end = _mark(event.end_mark)
    value = event.value if isinstance(event, yaml.ScalarEvent) else f"*{event.anchor}"
    style = (event.style or "") if isinstance(event, yaml.ScalarEvent) else ""
    return Text(value, line, column, start, end, style, last_line - line + 1)


def _mark(mark: yaml.Mark | yaml._yaml.Mark | None) -> tuple[int, int, int]:
    """Line and column, counted from 1, and index."""
    assert mark is not None  # Events that a parser makes have their marks.
    return mark.line + 1, mark.column + 1, mark.index
