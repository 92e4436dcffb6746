"""What is measured for a while, and what comparing it with the baseline comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.domain.gate import Evidence
from reconciler.domain.observed import Usage
from reconciler.domain.severity import Severity


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look of a probe came to: the evidence, and what was seen in a few words.

    ``seconds`` is how long a whole answer took, 0 where none came; ``status`` is its HTTP status, or 0.
    """

    evidence: Evidence
    detail: str
    seconds: float = 0.0
    status: int = 0


@dataclass(frozen=True, slots=True)
class Lines:
    """Log lines of a while: matching ones by kind, each kind with an example, over so many seconds."""

    kinds: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def matching(self) -> int:
        """How many lines matched."""
        return sum(self.kinds.values())


@dataclass(frozen=True, slots=True)
class Reading:
    """What one container used at one moment, on a monotonic clock."""

    container: str
    at_seconds: float
    usage: Usage


@dataclass(frozen=True, slots=True)
class Measures:
    """All that was measured for one comparison, on the predecessor (the baseline) or on the successor.

    ``seconds`` are those of good answers, ``statuses`` those of all answers, 0 for none.
    """

    seconds: tuple[float, ...] = ()
    statuses: tuple[int, ...] = ()
    lines: Lines = field(default_factory=Lines)
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing comes to. ``severity`` is how bad it is where that is graded."""

    evidence: Evidence
    detail: str
    severity: Severity | None = None
