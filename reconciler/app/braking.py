"""Brakes in a pass: what holds the environment now, and what is wanted meanwhile.

A service whose release is held is wanted as it is: so it is started when it crashed, made again when it was
removed, and put back where an interrupted pass was releasing something that nobody wants any more. Where what
it is cannot be told it is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.app.approval import Approvals
from reconciler.app.as_it_is import as_they_are, outdated
from reconciler.app.blocked import instead
from reconciler.app.desired import DesiredState
from reconciler.app.host import Host
from reconciler.app.identity import identified
from reconciler.app.interrupted import Interrupted
from reconciler.app.looking import Look, shown
from reconciler.domain.brakes import Brakes, Pause
from reconciler.domain.braking import Brake, brake, half_done, moved, ways_back
from reconciler.domain.diff import diff
from reconciler.domain.holding import held_entry
from reconciler.domain.oscillation import freeze_services
from reconciler.domain.plan import Entry, Plan
from reconciler.domain.policy import keep_down, spare
from reconciler.ports import Calendar, Journal

_ANY = Brake("whatever the reason", drift=True)


@dataclass(frozen=True, slots=True)
class Braking:
    """Applies the brakes of one environment.

    Args:
        desired: where approvals are read.
        host: the outside that is acted on.
        journal: knows what was good, and which pass was interrupted.
        calendar: knows when freeze windows are open.
        approved: whether a person approves what this run releases.
        own: the id of our own container; empty where we run in none.
        restless: services that are not corrected any more, and why; see ``domain.oscillation``.
    """

    desired: DesiredState
    host: Host
    journal: Journal
    calendar: Calendar
    approved: bool = False
    own: str = ""
    restless: Mapping[str, str] = field(default_factory=dict)

    def apply(self, found: Look, pause: Callable[[], Pause | None], *, thorough: bool) -> Look:
        """The look with its plan braked.

        Args:
            found: what was found, with what is wanted instead of blocked pins.
            pause: asks the engine.
            thorough: whether everything is found out, even what could hold nothing now.

        Raises:
            ReconcileError: the engine, Git or a time zone cannot be asked.
        """
        last = self.journal.kept(found.desired.environment)
        going = self._going(found)
        found = replace(found, going=going)
        stands = brake(found.plan, _ANY, found.observed, going)
        matters = stands != found.plan or any(outdated(e, found, last) for e in found.plan.entries)
        brakes = self._in_force(found, pause, matters=matters or thorough)
        words = brakes.words(found.desired.environment.name, self.host.clock.now())
        how = Brake(words[0], drift=brakes.pause is not None) if words else None
        before = found.plan
        found = replace(found, brakes=brakes)
        if how is not None and matters:
            found = self._braked(found, how, last)
        plan = freeze_services(found.plan, self.restless)
        plan = spare(plan, found.observed, self.own)
        if brakes.pause is not None and brakes.pause.stops and not self._brings_data_back(found):
            plan = keep_down(plan, brakes.pause)
        return replace(found, plan=plan, braked=_held_by_name(before, plan))

    def _brings_data_back(self, found: Look) -> bool:
        """Whether a pass was killed in the restore that holds the environment: this one goes on with it."""
        blocks = self.journal.blocks(found.desired.environment)
        return any(block.kept is not None and block.kept.restoring for block in blocks)

    # --- What is in force -------------------------------------------------------------------------

    def _in_force(self, found: Look, pause: Callable[[], Pause | None], *, matters: bool) -> Brakes:
        """What holds the environment; what could hold nothing is not asked for."""
        environment, now = found.desired.environment, self.host.clock.now()
        may_be_stopped = bool(environment.data.uses) and not found.plan.empty
        begun = pause() if matters or may_be_stopped else None
        if begun is not None and not matters and not begun.stops:
            begun = None  # nothing of what goes on is held by it
        approved = None
        if environment.protected and matters:
            approved = self.approved or Approvals(self.desired).approved(found.source)
        return Brakes(
            pause=begun if begun is not None and begun.holds(now) else None,
            freeze=self.calendar.frozen(environment.freeze, now) if environment.freeze else None,
            protected=environment.protected,
            approved=approved,
            asked=matters,
        )

    def _going(self, found: Look) -> frozenset[str]:
        """What no brake holds: ways back, and a release that an interrupted pass had begun."""
        plan, desired, observed = found.plan, found.desired, found.observed
        if plan.empty:
            return frozenset()
        goods = self.journal.good(desired.environment) if moved(plan, observed) else ()
        interrupted = Interrupted.of(self.journal.runs(desired.environment, limit=1))
        return ways_back(plan, desired, observed, goods) | interrupted.services(plan)

    # --- What is wanted meanwhile -----------------------------------------------------------------

    def _braked(self, found: Look, how: Brake, last: Mapping[str, str]) -> Look:
        """The look with what is held wanted as it is, and with the rest of it held."""
        wanted = as_they_are(self.host, self.journal, found, last)
        if not wanted:
            return replace(found, plan=brake(found.plan, how, found.observed, found.going))
        source = instead(self.host, found.source, found.observed, wanted)
        observed = identified(self.host, source, found.observed)
        plan = shown(diff(source.desired, observed, last), found.held)
        going = found.going | half_done(plan)
        plan = brake(plan, how, observed, going)
        asked = {entry.name: entry for entry in found.plan.entries}
        entries = tuple(_said(e, asked[e.name], how.why) if e.name in wanted else e for e in plan.entries)
        plan = replace(plan, entries=entries)
        return replace(found, source=source, observed=observed, plan=plan, going=going)


def _said(entry: Entry, asked: Entry, why: str) -> Entry:
    """A service that is wanted as it is: what Git asks for, and why it does not get it."""
    if not entry.actions:
        return held_entry(asked, why)
    return entry if why in entry.cause else replace(entry, cause=f"{entry.cause}; {why}")


def _held_by_name(before: Plan, after: Plan) -> dict[str, str]:
    """The services of which something is held, and why."""
    asked = {entry.name: entry for entry in before.entries}
    return {entry.name: entry.cause for entry in after.entries if entry != asked[entry.name]}
