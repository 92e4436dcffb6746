"""``watch.yaml``: how the daemon runs on this host, validated against its JSON Schema and taken apart."""

from __future__ import annotations

import posixpath

from reconciler.adapters.state_files import schemas
from reconciler.adapters.state_files.nodes import Mapping
from reconciler.adapters.state_files.source import Source, cannot_be_used, in_order
from reconciler.adapters.state_files.written import Written
from reconciler.adapters.state_files.yaml_text import read
from reconciler.domain.watching import Managed, Rewritten, Watching
from reconciler.errors import InvalidSettings


def watching(text: str, path: str) -> Watching:
    """What ``watch.yaml`` says.

    Args:
        text: the file's text.
        path: what findings call the file.

    Raises:
        InvalidSettings: with all findings.
    """
    source = Source.of(text, path)
    root, findings = read(source)
    if root is not None:
        findings += schemas.violations(source, root, schemas.load("watch"))
    if findings or not isinstance(root, Mapping):
        raise InvalidSettings(cannot_be_used(path), findings=in_order(findings))
    written, usual = Written(root), Watching()
    return Watching(
        repository=_managed(written.part("repository")),
        interval_seconds=written.seconds("interval", usual.interval_seconds),
        poll_seconds=written.seconds("poll", usual.poll_seconds),
    )


def _managed(written: Written) -> Managed | None:
    if not written.text("url"):
        return None
    path = posixpath.normpath(written.text("path", "state"))
    return Managed(
        url=written.text("url"),
        branch=written.text("branch"),
        path="" if path == "." else path,
        rewritten=Rewritten(written.text("rewritten", Rewritten.ACCEPT)),
    )
