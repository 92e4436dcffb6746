"""How an environment is run, judged and rolled back: what ``reconcile.yaml`` says, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Unpinned(StrEnum):
    """What becomes of services of the Compose files that have no pin."""

    FOLLOW = "follow"  # they follow the Compose files
    REFUSE = "refuse"  # every service must have a pin
    IGNORE = "ignore"  # shown, never touched


class Severity(StrEnum):
    """How bad it is when a check fails; the words of the decision matrix."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rejects(self) -> bool:
        """Whether a failure of this severity rejects the release; the others are reported."""
        return self in (Severity.CRITICAL, Severity.HIGH)


class GitPolicy(StrEnum):
    """Where the program may write its own commits."""

    PUSH = "push"
    BRANCH = "branch"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """Ask ``url``; an answer in 200 to 299 within ``time_limit_seconds`` is good."""

    name: str
    url: str
    severity: Severity = Severity.CRITICAL
    time_limit_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Gate:
    """When a release counts as good.

    ``timeout_seconds`` bounds the wait for the first good sample of everything; from then on
    everything must stay good for ``soak_seconds``.
    """

    timeout_seconds: float = 120.0
    soak_seconds: float = 0.0
    checks: tuple[HttpCheck, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """One engine and the Compose project that it should run.

    ``pins`` is relative to the folder of ``reconcile.yaml``. ``directory`` is Compose's project
    directory, relative to the same folder or absolute; ``compose`` are files relative to it.
    ``engine_host`` is a Docker host URL, empty for the one that the docker command would use.
    """

    name: str
    pins: str
    project: str
    directory: str
    compose: tuple[str, ...]
    engine_host: str = ""
    engine_context: str = ""
    gate: Gate = field(default_factory=Gate)
    rollback_git: GitPolicy = GitPolicy.OFF
    prune: bool = False
    unpinned: Unpinned = Unpinned.FOLLOW
