"""Every failure that we can explain, as a tree.

    ReconcileError
    ├── Refused                  asked for something that is not there or not allowed
    ├── Invalid                  files that cannot be used; carries every finding at once
    │   ├── InvalidSettings      reconcile.yaml
    │   └── InvalidState         pins and Compose files, or uncommitted changes in them
    ├── Unreachable              an outside system gave no usable answer
    │   ├── EngineUnreachable
    │   ├── RegistryUnreachable
    │   ├── RepositoryUnreachable
    │   ├── DataUnreachable      a database or a search server
    │   └── NoticeUnreachable    a channel that tells people
    ├── PermissionRefused        an outside system said no to who we are
    ├── Locked                   another reconciler acts on the environment
    │   └── LeaseLost            it took the environment over from us
    ├── Stale                    the world moved while we looked; running again helps
    └── Failed                   an outside system tried, and could not
        ├── EngineFailed
        │   └── HostConflict     a port or a name is taken
        ├── ComposeFailed
        ├── PullFailed
        ├── RepositoryFailed
        ├── DataFailed           a backup, a restore, an index
        ├── NoticeRefused        a channel will not take a message
        └── HookFailed

A release that its gate rejects is an outcome (``domain.report``), not an error. The command line
is the only place that turns these classes into exit codes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One problem in one file, where an editor can jump to it.

    ``line`` and ``column`` count from 1; 0 means that the problem has no position in the file.
    ``excerpt`` is the source line, without its line end, and empty where there is none.
    """

    path: str
    line: int
    column: int
    message: str
    hint: str = ""
    excerpt: str = ""

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        return f"{where}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class ReconcileError(Exception):
    """Something could not be done: what, to what, and what to do next.

    Args:
        problem: one sentence without a full stop: what could not be done, and to what.
        hint: what the reader can do about it; empty where nothing is known.
    """

    def __init__(self, problem: str, *, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.problem}. {self.hint}" if self.hint else self.problem


class Refused(ReconcileError):
    """The request names something that does not exist, or that is not allowed."""


class Invalid(ReconcileError):
    """Files that cannot be used, with every finding of every file at once."""

    def __init__(self, problem: str, *, findings: tuple[Finding, ...] = (), hint: str = "") -> None:
        super().__init__(problem, hint=hint)
        self.findings = findings

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {finding}" for finding in self.findings)])


class InvalidSettings(Invalid):
    """reconcile.yaml cannot be used."""


class InvalidState(Invalid):
    """Pins or Compose files cannot be used, or differ from what is committed."""


class Unreachable(ReconcileError):
    """An outside system gave no usable answer."""


class EngineUnreachable(Unreachable):
    """The Docker Engine does not answer."""


class RegistryUnreachable(Unreachable):
    """The image registry does not answer, or answers with a failure of its own."""


class RepositoryUnreachable(Unreachable):
    """There is no usable Git repository, or its remote does not answer."""


class DataUnreachable(Unreachable):
    """A database or a search server does not answer, or answers with a failure of its own."""


class NoticeUnreachable(Unreachable):
    """A channel does not take a message now. It may ask us to wait, for ``after_seconds``."""

    def __init__(self, problem: str, *, hint: str = "", after_seconds: float = 0.0) -> None:
        super().__init__(problem, hint=hint)
        self.after_seconds = after_seconds


class PermissionRefused(ReconcileError):
    """An outside system refused the identity that we act with."""


class Locked(ReconcileError):
    """Another reconciler acts on this environment."""


class LeaseLost(Locked):
    """We held the environment and do not any more: somebody else may act by now, so nothing more is done."""


class Stale(ReconcileError):
    """The world moved between looking and acting. Running again helps."""


class AlreadyThere(Stale):
    """What was to be written says so already."""


class Failed(ReconcileError):
    """An outside system was asked, tried, and could not."""


class EngineFailed(Failed):
    """The Docker Engine could not carry out a step."""


class HostConflict(EngineFailed):
    """Something else on the host is in the way: a port, a name, what a killed engine left behind.

    No release is to blame for it.
    """


class ComposeFailed(Failed):
    """Docker Compose could not create what its files describe."""


class PullFailed(Failed):
    """An image could not be brought to the host; what runs was not touched."""


class RepositoryFailed(Failed):
    """Git could not carry out a step."""


class DataFailed(Failed):
    """A database or a search server could not do what was asked, or what it did is not what was asked."""


class NoticeRefused(Failed):
    """A channel does not take a message, and would not take it another time."""


class HookFailed(Failed):
    """A command that ``reconcile.yaml`` asks for did not end well."""
