"""Two writers that undo each other's work, told by counting: then one of them has to stop, and we do.

A service that was corrected again and again within a short time is *frozen*: it is not corrected any more
until it was left in peace for as long, until Git moves it, or until a person says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.domain.holding import hold_back
from reconciler.domain.plan import Action, Change, Entry, Plan, Remove
from reconciler.domain.triggers import Occurrence

MOST_CORRECTIONS = 5
WITHIN_SECONDS = 600.0

_BY_HAND = ("stop", "kill")
_ENDS = ("die", "oom")


@dataclass(frozen=True, slots=True)
class Corrections:
    """When each service was corrected lately: a fold, so every method returns what is known then.

    Times are seconds of a monotonic clock. ``most`` corrections within ``within_seconds`` freeze a service.
    """

    most: int = MOST_CORRECTIONS
    within_seconds: float = WITHIN_SECONDS
    times: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def corrected(self, services: Iterable[str], at: float) -> Corrections:
        """These services were put right at ``at``; what is too old to count is forgotten."""
        now = {name: (*self.times.get(name, ()), at) for name in services}
        kept = {name: self._recent(times) for name, times in {**self.times, **now}.items()}
        lately = {name: times for name, times in kept.items() if at - times[-1] < self.within_seconds}
        return replace(self, times=lately)

    def forgotten(self, services: Iterable[str] | None = None) -> Corrections:
        """Begin anew with services that Git moved; with all of them where a person resumed."""
        gone = set(self.times if services is None else services)
        return replace(self, times={name: times for name, times in self.times.items() if name not in gone})

    def frozen(self, now: float) -> tuple[str, ...]:
        """The services that are not corrected any more, sorted."""
        return tuple(sorted(name for name, times in self.times.items() if self._is_frozen(times, now)))

    def _recent(self, times: Sequence[float]) -> tuple[float, ...]:
        """Those that count together with the last one, which alone says when a frozen service thaws."""
        return tuple(time for time in times if times[-1] - time < self.within_seconds)[-self.most :]

    def _is_frozen(self, times: Sequence[float], now: float) -> bool:
        return len(times) >= self.most and now - times[-1] < self.within_seconds


def corrections_of(plan: Plan) -> tuple[str, ...]:
    """The services that a plan puts right although Git did not move them."""
    return tuple(e.name for e in plan.entries if any(_corrects(e, action) for action in e.actions))


def moved_services(plan: Plan) -> tuple[str, ...]:
    """The services that Git moved: they begin anew."""
    return tuple(e.name for e in plan.entries if e.change in (Change.CHANGE, Change.NEW))


def freeze_services(plan: Plan, frozen: Mapping[str, str]) -> Plan:
    """Hold further corrections of these services.

    Args:
        plan: what would be done.
        frozen: why each of them is held, by name.
    """

    def why_not(entry: Entry, action: Action, following: bool) -> str:
        return frozen.get(entry.name, "") if _corrects(entry, action) and not following else ""

    return hold_back(plan, why_not, repair=False) if frozen else plan


def why_frozen(times: int, within_seconds: float, other: str) -> str:
    """Why a service is not corrected any more, with both writers.

    Args:
        times: how often it was corrected.
        within_seconds: in how long a time.
        other: what ``other_writer`` says.
    """
    minutes = max(1, round(within_seconds / 60))
    against = f"; {other}" if other else ""
    return f"corrected by reconcile {times} times within {minutes} min{against}"


def other_writer(occurrences: Iterable[Occurrence], folder: str = "", pins: str = "") -> str:
    """Who undoes our corrections of one service, as far as the engine's events tell; empty where they do not.

    A stop or kill that comes before the end was asked for through the engine. Without one the container ends
    by itself. A container that Compose created, called in another folder or without our pins, was made by
    somebody else.

    Args:
        occurrences: the events about the service, the oldest first. Those of our own steps are left out by
            whoever listened; our own creations may be among them.
        folder: where we call Compose: the project directory, absolute.
        pins: the pins file that we give it, absolute.
    """
    events = tuple(occurrences)
    return _other_compose(events, folder, pins) or _ended(events)


def _other_compose(events: Sequence[Occurrence], folder: str, pins: str) -> str:
    """Compose called by somebody else: the last creation that was not ours."""
    created = [event for event in events if event.action == "create" and event.working_directory]
    if not folder:
        places = list(dict.fromkeys(event.working_directory for event in created))
        return f"Compose is called in {' and in '.join(places)}" if len(places) > 1 else ""
    for event in reversed(created):
        if event.working_directory != folder or pins not in event.compose_files:
            files = f" with {event.compose_files}" if event.compose_files else ""
            return f"somebody calls Compose in {event.working_directory}{files}"
    return ""


def _ended(events: Sequence[Occurrence]) -> str:
    asked: set[str] = set()
    said = ""
    for event in events:
        if event.action in _BY_HAND:
            asked.add(event.container)
        elif event.action in _ENDS:
            said = _end(
                event, by_hand=event.container in asked, out_of_memory=event.action == "oom", said=said
            )
            asked.discard(event.container)
        elif event.action == "destroy":
            said = "somebody removes it through the engine"
    return said


def _end(event: Occurrence, *, by_hand: bool, out_of_memory: bool, said: str) -> str:
    if by_hand:
        return "somebody stops it through the engine"
    if out_of_memory or (said == "it runs out of memory" and event.exit_code == 137):
        return "it runs out of memory"
    code = "" if event.exit_code is None else f" with exit code {event.exit_code}"
    return f"it ends by itself{code}"


def _corrects(entry: Entry, action: Action) -> bool:
    return entry.change is Change.DRIFT and not (isinstance(action, Remove) and action.leftover)
