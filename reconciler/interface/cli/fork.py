"""A job of GitHub for a pull request from a fork: strangers wrote what is checked out.

https://docs.github.com/en/actions/reference/security/secure-use
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.errors import Refused

HARMLESS = frozenset({"plan", "check", "history", "explain", "incident"})
"""Commands that neither change anything nor run anything that the checkout names."""


def require_own(environ: Mapping[str, str], command: str) -> None:
    """Let a command act only where what is checked out is not a fork's.

    Args:
        environ: the process's environment: it names the event and the file that describes it.
        command: as it was called.

    Raises:
        Refused: the event is about a pull request from a fork, or it cannot be told.
    """
    if environ.get("GITHUB_ACTIONS") != "true" or command in HARMLESS:
        return
    event = environ.get("GITHUB_EVENT_NAME", "")
    if (repository := _fork(event, environ.get("GITHUB_EVENT_PATH", ""))) is not None:
        raise Refused(
            f"{command} does not act on a pull request from {repository or 'a repository that is not known'}",
            hint="A fork may have its plan: reconcile plan. Merge it first, and act on the push",
        )


def _fork(event: str, file: str) -> str | None:
    """The repository of the pull request where it is not ours, empty where it is not known; else None."""
    about_pulls = event.startswith(("pull_request", "workflow_run"))
    try:
        payload = json.loads(Path(file).read_text("utf-8")) if file else {}
    except (OSError, ValueError):
        payload = {}
    heads = [_name(payload, *path) for path in _HEADS if _at(payload, *path[:-1]) is not None]
    if not heads:
        return "" if about_pulls else None
    own = _name(payload, "repository")
    others = [head for head in heads if not own or head != own]
    return others[0] if others else None


_HEADS = (("pull_request", "head", "repo"), ("workflow_run", "head_repository"))
"""Where an event names the repository of a branch; it is null where the fork was deleted."""


def _name(payload: Any, *path: str) -> str:
    name = _at(payload, *path, "full_name")
    return name if isinstance(name, str) else ""


def _at(payload: Any, *path: str) -> Any:
    for key in path:
        payload = payload.get(key) if isinstance(payload, dict) else None
    return payload
