"""Where environments stand: a table of all of them, and the services of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconciler.domain.brakes import Brakes
from reconciler.domain.desired import Desired, Revision
from reconciler.domain.foreign import foreign
from reconciler.domain.health import health_of, service_health, sync_of
from reconciler.domain.journal import Observation
from reconciler.domain.observed import Observed, Role
from reconciler.domain.plan import Change, Entry, Plan
from reconciler.domain.report import EnvironmentHealth, Sync
from reconciler.domain.turns import Holder
from reconciler.domain.undo import Undo
from reconciler.errors import ReconcileError
from reconciler.interface.render.brakes_text import brakes_lines, in_a_cell, something_held
from reconciler.interface.render.phrases import listed, transition
from reconciler.interface.render.plan_text import tally
from reconciler.interface.render.style import Style, table
from reconciler.interface.render.undo_text import ahead_of_git, clock_time


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service: its health, and how many of its containers run. ``wanted`` is None for strangers."""

    name: str
    health: EnvironmentHealth
    running: int
    wanted: int | None


@dataclass(frozen=True, slots=True)
class Status:
    """Where one environment stands, for ``plan`` and ``status``.

    ``revision`` and ``plan`` are None where the look failed; ``error`` says why. ``remark`` is
    something else worth a cell (paused until when, the last pass). ``undo`` is what became of the last
    rejected release in Git, ``observation`` a release that is still looked at; both are the journal's.
    ``holder`` is who acts on the environment just now, ``brakes`` are what people hold it with,
    ``undelivered`` is what its people are still to be told, by channel.
    """

    environment: str
    sync: Sync = Sync.UNKNOWN
    health: EnvironmentHealth = EnvironmentHealth.UNKNOWN
    revision: Revision | None = None
    plan: Plan | None = None
    services: tuple[ServiceStatus, ...] = ()
    error: ReconcileError | None = None
    remark: str = ""
    undo: Undo | None = None
    observation: Observation | None = None
    holder: Holder | None = None
    brakes: Brakes = field(default_factory=Brakes)
    undelivered: tuple[str, ...] = ()


def status_of(desired: Desired, observed: Observed, plan: Plan) -> Status:
    """Where an environment stands, as of one look at it."""
    known = {service.name: service for service in desired.services}
    services = []
    for entry in plan.entries:
        instances = observed.of(entry.name)
        running = sum(1 for i in instances if i.running and i.role is not Role.TEMPLATE)
        service = known.get(entry.name)
        health = service_health(service, instances) if service else EnvironmentHealth.UNKNOWN
        services.append(ServiceStatus(entry.name, health, running, service.replicas if service else None))
    return Status(
        environment=desired.environment.name,
        sync=sync_of(plan),
        health=health_of(desired, observed),
        revision=desired.revision,
        plan=plan,
        services=tuple(services),
    )


def status_text(statuses: Sequence[Status], style: Style) -> str:
    """All environments in a table; the services below it where there is only one."""
    heading = ("ENVIRONMENT", "SYNC", "HEALTH", "SERVICES", "REVISION", "DETAILS")
    lines = table([heading, *(_row(status) for status in statuses)], style)
    if len(statuses) == 1 and statuses[0].plan is not None:
        lines += ["", *services_lines(statuses[0], statuses[0].plan, style)]
    remarks = [line for status in statuses for line in remark_lines(status)]
    return "\n".join([*lines, *(["", *remarks] if remarks else [])])


def remark_lines(status: Status) -> list[str]:
    """What a table has no room for: brakes, blocked pins, what Git does not know, a release looked at."""
    entries = status.plan.entries if status.plan else ()
    name = foreign(status.environment, 40)
    held = status.plan is not None and something_held(status.plan)
    lines = brakes_lines(status.environment, status.brakes, held=held)
    lines += [
        f"{name}: {foreign(entry.name, 40)} is blocked: {foreign(entry.cause)}"
        for entry in entries
        if entry.change is Change.BLOCKED
    ]
    ahead = ahead_of_git(status.undo)
    lines += [f"{name}: {ahead}"] if ahead else []
    lines += [f"{name}: {line}" for line in status.undelivered]
    lines += [f"{name}: {_observed(status.observation)}"] if status.observation else []
    return [*lines, *([f"{name}: {_held(status.holder)}"] if status.holder else [])]


def _held(holder: Holder) -> str:
    """Who acts on it, and until when nobody else will at the least."""
    since, until = clock_time(holder.since), clock_time(holder.until)
    return f"{foreign(holder.who, 80)} acts on it since {since}, renewed until {until}"


def _observed(observation: Observation) -> str:
    """Until when a kept release is looked at, and what fails meanwhile."""
    what = foreign(observation.revision[:7])
    failing = [f"{foreign(name, 60)} fails, due {clock_time(due)}" for name, due in observation.failing]
    said = f": {listed(failing)}" if failing else ""
    run = f" (run {foreign(observation.run, 40)})" if observation.run else ""
    return f"{what}{run} is under observation until {clock_time(observation.until)}{said}"


def services_lines(status: Status, plan: Plan, style: Style) -> list[str]:
    """The services of one environment in a table."""
    if not plan.entries:
        return ["no services"]
    by_name = {service.name: service for service in status.services}
    rows = [_service_row(entry, by_name.get(entry.name)) for entry in plan.entries]
    return table([("SERVICE", "CHANGE", "HEALTH", "RUNNING", "IMAGE", "CAUSE"), *rows], style)


def _row(status: Status) -> tuple[str, ...]:
    ours = [service for service in status.services if service.wanted is not None]
    healthy = sum(1 for service in ours if service.health is EnvironmentHealth.HEALTHY)
    revision = foreign(status.revision.short(), 40) if status.revision else "-"
    details = [foreign(status.remark, 60), in_a_cell(status.brakes), _details(status)]
    return (
        foreign(status.environment, 40),
        str(status.sync),
        str(status.health),
        f"{healthy}/{len(ours)}" if status.plan else "-",
        revision,
        ", ".join(detail for detail in details if detail),
    )


def _details(status: Status) -> str:
    if status.error is not None:
        return foreign(status.error.problem, 80)
    if status.plan is None or all(entry.change is Change.NONE for entry in status.plan.entries):
        return ""
    return tally(status.plan)


def _service_row(entry: Entry, service: ServiceStatus | None) -> tuple[str, ...]:
    wanted = f"/{service.wanted}" if service and service.wanted is not None else ""
    stranger = entry.change in (Change.ORPHAN, Change.UNMANAGED)
    images = transition(entry.before, entry.after)
    return (
        foreign(entry.name, 40),
        str(entry.change),
        str(service.health) if service else str(EnvironmentHealth.UNKNOWN),
        f"{service.running}{wanted}" if service else "-",
        images if entry.pinned or stranger or not images else f"{images} (unpinned)",
        _cause(entry),
    )


def _cause(entry: Entry) -> str:
    """Why, where the images do not say it already; why a pin is blocked has a line of its own."""
    if " → " in entry.cause or entry.change is Change.BLOCKED:
        return ""
    return foreign(entry.cause, 80)
