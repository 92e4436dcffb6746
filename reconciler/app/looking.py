"""Read, observe, plan: one look at an environment, which changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from reconciler.app.blocked import Held, held_back, instead, told_by_git
from reconciler.app.desired import DesiredState, Source
from reconciler.app.host import Host
from reconciler.app.identity import identified, joined
from reconciler.domain.blocking import Block
from reconciler.domain.brakes import Brakes
from reconciler.domain.causes import why_blocked
from reconciler.domain.desired import Desired
from reconciler.domain.diff import diff
from reconciler.domain.environment import Environment
from reconciler.domain.health import health_of, sync_of
from reconciler.domain.holding import held_entry
from reconciler.domain.observed import Observed
from reconciler.domain.plan import Create, Plan, Replace
from reconciler.domain.policy import hold
from reconciler.domain.report import EnvironmentHealth, Sync
from reconciler.ports import Journal

DEEPEST = 200
"""How many commits back Git is asked for blocked pins."""


@dataclass(frozen=True, slots=True)
class Look:
    """Desired and observed at one moment, and the plan between them.

    ``source`` is what Git says, with what is wanted instead of blocked pins; ``held`` are those. ``brakes``
    are what people hold the environment with. ``braked`` are the services of which something is held, by that
    or for another reason, and why; ``going`` are those that no brake holds.
    """

    source: Source
    observed: Observed
    plan: Plan
    held: Mapping[str, Held] = field(default_factory=dict)
    brakes: Brakes = field(default_factory=Brakes)
    braked: Mapping[str, str] = field(default_factory=dict)
    going: frozenset[str] = frozenset()

    @property
    def desired(self) -> Desired:
        return self.source.desired

    @property
    def state(self) -> tuple[Sync, EnvironmentHealth]:
        """Whether what runs is what Git wants, and whether it works."""
        paused = self.brakes.pause is not None and bool(self.braked)
        return sync_of(self.plan, paused=paused), health_of(self.desired, self.observed)

    @property
    def unjudged(self) -> frozenset[str]:
        """The services that stay as they are, whatever Git pins: a pass learns nothing of what it pins."""
        return frozenset(self.braked) | {name for name, one in self.held.items() if one.good is None}

    def hashes(self, last: Mapping[str, str]) -> dict[str, str]:
        """The config hash of each service to be remembered when this has converged.

        Of what a brake holds that is what it was: else a release that is held would look like drift later.

        Args:
            last: what is remembered now.
        """
        known = {s.name: s.config_hash for s in self.desired.services if s.name not in self.unjudged}
        return known | {name: last[name] for name in self.braked if name in last}


def look(environment: Environment, desired: DesiredState, host: Host, journal: Journal) -> Look:
    """One look; Git and the engine are asked side by side.

    Raises:
        ReconcileError: something cannot be read.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="observe") as pool:
        observing = pool.submit(host.engine.observe, environment.project)
        source = desired.read(environment)
        observed = observing.result()
    source = replace(source, desired=joined(host, source, observed))
    found = _planned(host, journal, source, observed, journal.blocks(environment))
    releasing = _released(found.plan)  # what runs is not taken back for what another clone knew
    if not found.held and releasing:
        told = [b for b in blocks_in_git(environment, desired, journal) if b.service in releasing]
        found = _planned(host, journal, source, observed, told) if told else found
    return found


def look_again(host: Host, look: Look) -> Look:
    """The same desired state, compared with what is there now.

    Raises:
        ReconcileError: the engine cannot be asked.
    """
    observed = host.engine.observe(look.desired.environment.project)
    source = replace(look.source, desired=joined(host, look.source, observed))
    observed = identified(host, source, observed)
    plan = shown(diff(source.desired, observed), look.held)
    entries = tuple(held_entry(e, look.braked[e.name]) if e.name in look.braked else e for e in plan.entries)
    plan = replace(plan, entries=entries)
    return replace(look, source=source, observed=observed, plan=plan)


def _planned(
    host: Host, journal: Journal, source: Source, observed: Observed, blocks: Sequence[Block]
) -> Look:
    """The plan, with what is wanted instead of what is blocked."""
    held = held_back(source.desired, observed, blocks, journal)
    if held:
        goods = {name: one.good for name, one in held.items() if one.good is not None}
        source = instead(host, source, observed, goods)
    observed = identified(host, source, observed)
    plan = diff(source.desired, observed, journal.kept(source.desired.environment))
    return Look(source, observed, shown(plan, held), held)


def shown(plan: Plan, held: Mapping[str, Held]) -> Plan:
    """A plan with what is blocked marked so.

    Args:
        plan: made with what is wanted instead of what is blocked.
        held: the blocked services.
    """
    known = frozenset(name for name, one in held.items() if one.good is not None)
    staying = frozenset(name for name, one in held.items() if one.block.stays)
    why = {name: why_blocked(one.block, one.good) for name, one in held.items()}
    return hold(plan, why, known, staying)


def blocks_in_git(environment: Environment, desired: DesiredState, journal: Journal) -> tuple[Block, ...]:
    """What a lost journal or another clone knew, as far as it was not unblocked here since."""
    commits = desired.repository.log(desired.path(environment.pins), limit=DEEPEST)
    return told_by_git(environment, commits, journal.unblocked(environment))


def _released(plan: Plan) -> frozenset[str]:
    """The pinned services that would be replaced or created."""
    releasing = (Replace, Create)
    return frozenset(
        e.name for e in plan.entries if e.pinned and any(isinstance(a, releasing) for a in e.actions)
    )
