"""A remote branch in memory, obeying the port `Upstream`."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.domain.source import Arrival
from reconciler.errors import ReconcileError


@dataclass(slots=True)
class FakeUpstream:
    """`remote` is the remote's tip, None where it has no such branch; `trouble` is raised while it is there.

    What is fetched is accepted, unless it is `refused`; `remark` is what is said of it.
    """

    remote: str | None = "1" * 40
    accepted: str = ""
    trouble: ReconcileError | None = None
    refused: bool = False
    remark: str = ""
    asked: int = 0
    fetched: list[str] = field(default_factory=list)
    url: str = "https://git.test/shop.git"
    branch: str = "main"

    def tip(self) -> str | None:
        """See `ports.Upstream`."""
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return self.remote

    def fetch(self, tip: str) -> Arrival:
        """See `ports.Upstream`."""
        self.fetched.append(tip)
        if not self.refused:
            self.accepted = tip
        return Arrival(self.accepted, self.remark)
