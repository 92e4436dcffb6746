"""``reconcile.yaml``: validated against its JSON Schema, then taken apart into environments.

The schema says what may be written. What it cannot say about checks is in ``check_rules``, about data in
``data_rules``, about freeze windows in ``windows``, about channels in ``notify``, and the rest is here: that
two environments must not fight over the same containers, and that no Compose file is named twice
(``uniqueItems`` takes 20 s for a hostile list, and does not know that ``./a.yml`` is ``a.yml``).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from reconciler.adapters.state_files import schemas
from reconciler.adapters.state_files.accepted import NOTHING_ACCEPTED, Accepted, digest
from reconciler.adapters.state_files.check_rules import broken_rules
from reconciler.adapters.state_files.checks import check
from reconciler.adapters.state_files.data import data
from reconciler.adapters.state_files.data_rules import broken_data
from reconciler.adapters.state_files.matrix import matrix
from reconciler.adapters.state_files.nodes import Mapping, Node, Text
from reconciler.adapters.state_files.notify import broken_notify, notify
from reconciler.adapters.state_files.source import Source, cannot_be_used, in_order, quoted
from reconciler.adapters.state_files.windows import broken_windows, windows
from reconciler.adapters.state_files.written import Written
from reconciler.adapters.state_files.yaml_text import read
from reconciler.domain.environment import Environment, Gate, GitPolicy, Rollback, Unpinned
from reconciler.domain.policy import USUAL_CHANGE
from reconciler.errors import Finding, InvalidSettings


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
    if findings or not isinstance(root, Mapping):
        raise InvalidSettings(cannot_be_used(path), findings=in_order(findings))
    return tuple(
        _environment(key.value, Written(node)) for key, node in Written(root).entries("environments")
    )


def _violations(source: Source, root: Node, accepted: Accepted) -> tuple[Finding, ...]:
    """What the document has against the rules; finding that out is saved where it was nothing before."""
    known = digest(schemas.text("reconcile"), source.text)
    if accepted.knows(known):
        return ()
    found = schemas.violations(source, root, schemas.load("reconcile"))
    if not found and isinstance(root, Mapping):
        found = (*_rivals(source, root), *_repeated(source, root), *_in_environments(source, root))
    if not found:
        accepted.add(known)
    return found


def _in_environments(source: Source, root: Mapping) -> Iterator[Finding]:
    for _, node in Written(root).entries("environments"):
        yield from broken_rules(source, Written(node))
        yield from broken_windows(source, Written(node))
        yield from broken_data(source, Written(node))
        yield from broken_notify(source, Written(node))


def _environment(name: str, written: Written) -> Environment:
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
        rollback=_rollback(written.part("rollback")),
        prune=written.flag("prune", default=False),
        unpinned=Unpinned(written.text("unpinned", Unpinned.FOLLOW)),
        freeze=windows(written),
        protected=written.flag("protected", default=False),
        max_change=written.share("max_change", USUAL_CHANGE),
        data=data(written),
        notify=notify(written),
    )


def _gate(written: Written) -> Gate:
    gate, usual = written.part("gate"), Gate()
    return Gate(
        timeout_seconds=gate.seconds("timeout", usual.timeout_seconds),
        soak_seconds=gate.seconds("soak", usual.soak_seconds),
        checks=tuple(check(key.value, node) for key, node in gate.entries("checks")),
        matrix=matrix(written),
    )


def _rollback(written: Written) -> Rollback:
    usual = Rollback()
    return Rollback(
        git=GitPolicy(written.text("git", usual.git)),
        branch=written.text("branch"),
        author=written.text("author"),
        keep=written.whole("keep", usual.keep),
    )


def _rivals(source: Source, root: Mapping) -> tuple[Finding, ...]:
    """Environments that would act on the same containers: one engine, one project."""
    first: dict[tuple[str, str, str], Text] = {}
    findings = []
    for key, node in Written(root).entries("environments"):
        written = Written(node)
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
    for _, node in Written(root).entries("environments"):
        seen: set[str] = set()
        for item in Written(node).items("compose"):
            file = posixpath.normpath(item.value)
            if file in seen:
                message = f"the Compose file {quoted(file)} is listed twice"
                yield source.finding(item.line, item.column, message, "remove one of them")
            seen.add(file)
