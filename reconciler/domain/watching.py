"""How this host watches: what its own ``watch.yaml`` says, as values. Git has no say in any of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Rewritten(StrEnum):
    """What is done when the remote branch does not continue what was followed so far."""

    ACCEPT = "accept"  # it is followed, and that is said
    REFUSE = "refuse"  # what was followed stays, until a person decides


@dataclass(frozen=True, slots=True)
class Managed:
    """A repository that the daemon clones and updates by itself.

    ``path`` is the folder of ``reconcile.yaml`` in it, empty for its top level.
    """

    url: str
    branch: str
    path: str = "state"
    rewritten: Rewritten = Rewritten.ACCEPT

    def __str__(self) -> str:
        """For people: without who logs in, which may be a token."""
        address = re.sub(r"(?<=://)[^/@]*@", "", self.url)
        return f"{self.path or '/'} on {self.branch} of {address}"


@dataclass(frozen=True, slots=True)
class Watching:
    """What the daemon watches; ``repository`` is None for a checkout that somebody else updates.

    Passes begin every ``interval_seconds`` even where nothing happened. The remote of a managed repository is
    asked every ``poll_seconds``.
    """

    repository: Managed | None = None
    interval_seconds: float = 60.0
    poll_seconds: float = 30.0
