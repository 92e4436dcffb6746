"""How an environment is run, judged and rolled back: what ``reconcile.yaml`` says, as values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from reconciler.domain.brakes import Window
from reconciler.domain.channels import Notify
from reconciler.domain.check import Check
from reconciler.domain.data import Data
from reconciler.domain.severity import Matrix


class Unpinned(StrEnum):
    """What becomes of services of the Compose files that have no pin."""

    FOLLOW = "follow"  # they follow the Compose files
    REFUSE = "refuse"  # every service must have a pin
    IGNORE = "ignore"  # shown, never touched


class GitPolicy(StrEnum):
    """Where the program may write its own commits."""

    PUSH = "push"
    BRANCH = "branch"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Gate:
    """When a release counts as good.

    ``timeout_seconds`` bounds the wait for the first good sample of everything; from then on
    everything must stay good for ``soak_seconds``. ``matrix`` says what a failure does.
    """

    timeout_seconds: float = 120.0
    soak_seconds: float = 0.0
    checks: tuple[Check, ...] = ()
    matrix: Matrix = field(default_factory=Matrix)


@dataclass(frozen=True, slots=True)
class Rollback:
    """What is done in Git about a rejected release, and what is kept for the next rollback.

    ``branch`` is the branch that the release came from, empty for the one that is checked out. ``author`` is
    ``Name <address>``, empty for Git's own settings. ``keep`` is of how many good releases the images stay
    protected.
    """

    git: GitPolicy = GitPolicy.OFF
    branch: str = ""
    author: str = ""
    keep: int = 3


@dataclass(frozen=True, slots=True)
class Environment:
    """One engine and the Compose project that it should run.

    ``pins`` is relative to the folder of ``reconcile.yaml``. ``directory`` is Compose's project
    directory, relative to the same folder or absolute; ``compose`` are files relative to it.
    ``engine_host`` is a Docker host URL, empty for the one that the docker command would use.
    In the windows of ``freeze`` nothing is released. Where it is ``protected``, a release needs an approval.
    ``data`` is where the application keeps its data, ``notify`` who is told what. ``max_change`` is the
    share of services (0 to 1) that a pass may stop or replace through drift or removal.
    """

    name: str
    pins: str
    project: str
    directory: str
    compose: tuple[str, ...]
    engine_host: str = ""
    engine_context: str = ""
    gate: Gate = field(default_factory=Gate)
    rollback: Rollback = field(default_factory=Rollback)
    prune: bool = False
    unpinned: Unpinned = Unpinned.FOLLOW
    freeze: tuple[Window, ...] = ()
    protected: bool = False
    max_change: float = 0.5
    data: Data = field(default_factory=Data)
    notify: Notify = field(default_factory=Notify)

    def released_from(self, branch: str) -> Environment:
        """The same, where releases come from ``branch``: HEAD does not say so when it is detached."""
        return replace(self, rollback=replace(self.rollback, branch=self.rollback.branch or branch))
