"""What asks people to merge a branch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Proposal:
    """A branch that is to be merged.

    Args:
        branch: it.
        onto: into which one.
        title: in a line, plain text.
        body: why, in Markdown.
    """

    branch: str
    onto: str
    title: str
    body: str


class Proposals(Protocol):
    """Where branches are proposed and merged by people."""

    def propose(self, proposal: Proposal) -> str:
        """Ask for the merge; where that is asked already, title and body become these. Returns the address.

        Raises:
            NoticeRefused, NoticeUnreachable: it cannot be asked for; the branch is as it was.
        """
