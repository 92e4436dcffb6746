"""``reconcile.yaml``: validated against its JSON Schema, then taken apart into environments.

The schema says what may be written. Here is only what it cannot say: that two environments must not fight
over the same containers, and that no Compose file is named twice (``uniqueItems`` takes 20 s for a hostile
list, and does not know that ``./a.yml`` is ``a.yml``).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final

from reconciler.adapters.state_files import schemas
from reconciler.adapters.state_files.accepted import NOTHING_ACCEPTED, Accepted, digest
from reconciler.adapters.state_files.nodes import Items, Mapping, Node, Text
from reconciler.adapters.state_files.source import Source, cannot_be_used, in_order, quoted
from reconciler.adapters.state_files.yaml_text import read
from reconciler.domain.environment import Environment, Gate, GitPolicy, HttpCheck, Severity, Unpinned
from reconciler.errors import Finding, InvalidSettings

_SECONDS: Final = (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0))
_NOTHING: Final = Mapping((), 0, 0, 0, 0, flow=True)


def settings(text: str, path: str, accepted: Accepted = NOTHING_ACCEPTED) -> tuple[Environment, ...]:
    """The environments of ``reconcile.yaml``, in the order of the file.

    Args:
        text: the file's text.
        path: what findings call the file.
        accepted: remembers what the schema accepted.

    Raises:
        InvalidSettings: with all findings.
    """
    source = Source.of(text, path)
    root, findings = read(source)
    if root is not None:
        findings += _violations(source, root, accepted)
    if not findings and isinstance(root, Mapping):
        findings = (*_rivals(source, root), *_repeated(source, root))
    if findings or not isinstance(root, Mapping):
        raise InvalidSettings(cannot_be_used(path), findings=in_order(findings))
    return tuple(
        _environment(key.value, _Settings(node)) for key, node in _Settings(root).entries("environments")
    )


def _violations(source: Source, root: Node, accepted: Accepted) -> tuple[Finding, ...]:
    """What the document has against the schema; loading jsonschema is saved where that was nothing before."""
    known = digest(schemas.text("reconcile"), source.text)
    if accepted.knows(known):
        return ()
    found = schemas.violations(source, root, schemas.load("reconcile"))
    if not found:
        accepted.add(known)
    return found


def seconds(text: str) -> float:
    """The seconds of a duration such as ``120s``, ``2m``, ``1h`` or ``500ms``.

    Raises:
        ValueError: ``text`` is not a duration.
    """
    for unit, factor in _SECONDS:
        number = text.removesuffix(unit)
        if number != text and number.isascii() and number.isdecimal():
            return int(number) * factor
    raise ValueError(f"{text!r} is not a duration")


class _Settings:
    """A mapping that the schema has accepted, read by key; what is not written has the schema's default."""

    def __init__(self, node: Node) -> None:
        self._node = node if isinstance(node, Mapping) else _NOTHING

    def text(self, key: str, default: str = "") -> str:
        entry = self._node.entry(key)
        return entry[1].value if entry is not None and isinstance(entry[1], Text) else default

    def items(self, key: str) -> tuple[Text, ...]:
        entry = self._node.entry(key)
        items = entry[1].items if entry is not None and isinstance(entry[1], Items) else ()
        return tuple(item for item in items if isinstance(item, Text))

    def part(self, key: str) -> _Settings:
        entry = self._node.entry(key)
        return _Settings(entry[1] if entry is not None else _NOTHING)

    def entries(self, key: str) -> tuple[tuple[Text, Node], ...]:
        return self.part(key)._node.entries


def _environment(name: str, written: _Settings) -> Environment:
    engine = written.part("engine")
    return Environment(
        name=name,
        pins=posixpath.normpath(written.text("pins", f"{name}/compose.pins.yaml")),
        project=written.text("project"),
        directory=posixpath.normpath(written.text("directory", "..")),
        compose=tuple(posixpath.normpath(file.value) for file in written.items("compose")),
        engine_host=engine.text("host"),
        engine_context=engine.text("context"),
        gate=_gate(written),
        rollback_git=GitPolicy(written.part("rollback").text("git", GitPolicy.OFF)),
        prune=written.text("prune").lower() == "true",
        unpinned=Unpinned(written.text("unpinned", Unpinned.FOLLOW)),
    )


def _gate(written: _Settings) -> Gate:
    gate = written.part("gate")
    return Gate(
        timeout_seconds=seconds(gate.text("timeout", "120s")),
        soak_seconds=seconds(gate.text("soak", "0s")),
        checks=tuple(_check(key.value, _Settings(node)) for key, node in gate.entries("checks")),
    )


def _check(name: str, written: _Settings) -> HttpCheck:
    http = written.part("http")
    return HttpCheck(
        name=name,
        url=http.text("url"),
        severity=Severity(written.text("severity", Severity.CRITICAL)),
        time_limit_seconds=seconds(http.text("timeout", "5s")),
    )


def _rivals(source: Source, root: Mapping) -> tuple[Finding, ...]:
    """Environments that would act on the same containers: one engine, one project."""
    first: dict[tuple[str, str, str], Text] = {}
    findings = []
    for key, node in _Settings(root).entries("environments"):
        written = _Settings(node)
        engine = written.part("engine")
        identity = (engine.text("host"), engine.text("context"), written.text("project"))
        other = first.setdefault(identity, key)
        if other is not key:
            message = f"{key.value!r} runs the same project on the same engine as {other.value!r}"
            hint = f"that one is on line {other.line}; give each environment a 'project' of its own"
            findings.append(source.finding(key.line, key.column, message, hint))
    return tuple(findings)


def _repeated(source: Source, root: Mapping) -> Iterator[Finding]:
    """Compose files that an environment names twice."""
    for _, node in _Settings(root).entries("environments"):
        seen: set[str] = set()
        for item in _Settings(node).items("compose"):
            file = posixpath.normpath(item.value)
            if file in seen:
                message = f"the Compose file {quoted(file)} is listed twice"
                yield source.finding(item.line, item.column, message, "remove one of them")
            seen.add(file)
