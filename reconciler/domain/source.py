"""Where the desired state comes from, as far as the remote tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

_SHORT = 7


@dataclass(frozen=True, slots=True)
class Arrival:
    """What became of a tip that the remote has.

    ``accepted`` is the commit that the environments follow from now on, empty where there is none yet.
    ``remark`` is what a person should know of it: that history was rewritten.
    """

    accepted: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a remote branch, at one moment.

    ``tip`` is the remote's, ``accepted`` the commit that the environments follow. The remote answered last at
    ``answered_at``; since ``failing_since`` it does not, for the reason ``why``. ``remark`` says what is odd
    about the branch, or why it is not followed.
    """

    url: str
    branch: str
    tip: str = ""
    accepted: str = ""
    answered_at: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0
    why: str = ""
    remark: str = ""

    @property
    def stale(self) -> bool:
        """Whether the remote could not be asked, so that it may be ahead of what is known here."""
        return self.failing_since is not None

    def __str__(self) -> str:
        at = f"at {self.accepted[:_SHORT]}" if self.accepted else "not fetched yet"
        words = f"{self.branch} of {self.url}, {at}"
        if self.failing_since is not None:
            since = self.answered_at or self.failing_since
            words += f", stale since {since:%Y-%m-%d %H:%M:%S} UTC: {self.why}"
        return f"{words} ({self.remark})" if self.remark else words
