"""What makes the daemon look again. None of it says what to do: that is read from Git and the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Cause(StrEnum):
    """Why a pass begins."""

    START = "start"  # the daemon has just started
    COMMIT = "commit"  # the repository moved, or a file of the state folder did
    ENGINE = "engine"  # something happened to a container of the project
    ENGINE_BACK = "engine-back"  # the engine's events were not heard for a while
    HANGUP = "hangup"  # SIGHUP
    INTERVAL = "interval"  # it is time
    RETRY = "retry"  # the last pass failed


@dataclass(frozen=True, slots=True)
class Wake:
    """Look again at the environments of these Compose projects; at all where none is named.

    ``detail`` is for people: a file, a commit, ``die web-1``.
    """

    cause: Cause
    projects: frozenset[str] = frozenset()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event of the engine about a container of a Compose project.

    ``action`` is the engine's word, without what follows a colon (``die``, ``oom``, ``stop``, ``kill``,
    ``pause``, ``destroy``, ``create``, ``health_status``). ``working_directory`` and ``compose_files`` are
    where Compose was called that created the container, so that two writers can be told apart. ``exit_code``
    is None where the event has none.
    """

    at: datetime
    project: str
    service: str
    container: str
    action: str
    exit_code: int | None = None
    working_directory: str = ""
    compose_files: str = ""
