"""What a pass was releasing that was interrupted: which services belong together, and how far it got.

The engine tells of each service whether it was switched. Which services were one release, and what they ran
before, the journal knows; where it was lost, each of them is by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.domain.blocking import same_pin
from reconciler.domain.braking import half_done
from reconciler.domain.journal import Run
from reconciler.domain.observed import Observed, Role
from reconciler.domain.plan import Entry, Plan


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A release that was begun and has no end: image before and after, by service."""

    changes: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Interrupted:
        """What the last pass was doing, if it has no end.

        Args:
            runs: the passes that did something, newest first.
        """
        if not runs or runs[0].result is not None:
            return cls()
        return cls({name: (before, after) for name, before, after in runs[0].changes})

    def services(self, plan: Plan) -> frozenset[str]:
        """The services that go on: those of a release that was switched in part, or that Git takes back."""
        begun = half_done(plan)
        return begun | {e.name for e in plan.entries if self._belongs(e, begun=bool(begun))}

    def _belongs(self, entry: Entry, *, begun: bool) -> bool:
        if entry.name not in self.changes:
            return False
        before, after = self.changes[entry.name]
        returned = before != after and (entry.before, entry.after) == (after, before)
        return returned or (begun and entry.after == after)

    def kept(self, observed: Observed) -> bool:
        """Whether its gate had let it pass: predecessors go only then, and one that was there is gone."""
        return any(
            before and not same_pin(before, after) and _alone(observed, name, after)
            for name, (before, after) in self.changes.items()
        )


def _alone(observed: Observed, name: str, image: str) -> bool:
    """Whether a service runs an image, and has no predecessor."""
    there = [instance for instance in observed.of(name) if instance.role is not Role.TEMPLATE]
    return bool(there) and all(i.role is Role.SERVING and same_pin(i.image, image) for i in there)
