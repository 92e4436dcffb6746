"""A plan for people: what differs, what will be done about it, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.domain.desired import Order, Revision
from reconciler.domain.environment import Environment, Gate
from reconciler.domain.foreign import columns, foreign
from reconciler.domain.observed import Observed, Role
from reconciler.domain.plan import Action, Change, Create, Entry, Plan, Remove, Replace, Restart, Start
from reconciler.interface.render.phrases import count, listed, revision_line, transition
from reconciler.interface.render.style import Style, Tone

_NOT_OURS = (Change.ORPHAN, Change.UNMANAGED, Change.REMOVED)


def plan_text(
    environment: Environment,
    revision: Revision,
    plan: Plan,
    observed: Observed,
    style: Style,
    pins_path: str = "",
    remarks: Sequence[str] = (),
) -> str:
    """A whole plan.

    Args:
        environment: the one that is planned for; its gate is shown.
        revision: where the desired state was read.
        plan: what is to be done.
        observed: the snapshot that the plan was made from.
        style: colours and width.
        pins_path: the pins file, as people know it.
        remarks: what holds some of it, in sentences.
    """
    if plan.empty:
        return "\n".join([no_changes(plan, revision, style), *(["", *remarks] if remarks else [])])
    name = foreign(environment.name)
    head = _head(environment, revision, observed, pins_path, style)
    unpinned = _unpinned(plan)
    blocks = [
        *head,
        *_order(plan),
        "",
        *entry_lines(plan.entries, style),
        "",
        *([f"Unpinned, as the Compose files say: {', '.join(unpinned)}."] if unpinned else []),
        *remarks,
        f"Plan: {tally(plan)}.",
        style.paint(f"Next: reconcile --once -e {name}", Tone.QUIET),
    ]
    return "\n".join(blocks)


def no_changes(plan: Plan, revision: Revision | None, style: Style) -> str:
    """The sentence for a plan without actions, and what stays out of it on purpose below."""
    known = [entry for entry in plan.entries if entry.change not in _NOT_OURS]
    same = [entry for entry in known if entry.change is Change.NONE]
    where = foreign(revision.short()) if revision else "Git"
    name = foreign(plan.environment)
    unpinned = _unpinned(plan)
    note = f", {len(unpinned)} unpinned" if unpinned else ""
    if len(same) == len(known):
        sentence = f"No changes. {name} matches {where}: {count(len(known), 'service')}{note}."
    else:
        of = f"{len(same)} of {count(len(known), 'service')}"
        sentence = f"No changes. {name} matches {where} in {of}{note}."
    rest = entry_lines(plan.entries, style)
    return "\n".join([style.paint(sentence, Tone.GOOD), *(["", *rest] if rest else [])])


def entry_lines(entries: Iterable[Entry], style: Style) -> list[str]:
    """The services that something is the matter with: one line each, and one for what will be done."""
    shown = [entry for entry in entries if entry.change is not Change.NONE or entry.actions]
    if not shown:
        return []
    names = {entry.name: foreign(entry.name, 40) for entry in shown}
    width = max(columns(name) for name in names.values())
    lines = []
    for entry in shown:
        name = names[entry.name] + " " * (width - columns(names[entry.name]))
        first, second = _describe(entry)
        lines.append(f"  {style.mark(entry.change)} {name}  {entry.change:<9}  {first}".rstrip())
        if second:
            lines.append(" " * (width + 6) + style.paint(second, Tone.QUIET))
    return lines


def tally(plan: Plan) -> str:
    """``1 to change, 1 drifted, 3 unchanged``."""
    words = (
        (Change.CHANGE, "to change"),
        (Change.DRIFT, "drifted"),
        (Change.NEW, "new"),
        (Change.REMOVED, "to remove"),
    )
    acting = [f"{number} {word}" for change, word in words if (number := count_of(plan, change))]
    return ", ".join([*acting, *resting(plan)])


def resting(plan: Plan) -> list[str]:
    """What a pass leaves as it is, counted: ``1 held``, ``1 orphan``, ``3 unchanged``."""
    words = (
        (Change.HELD, "held"),
        (Change.BLOCKED, "blocked"),
        (Change.ORPHAN, "orphan"),
        (Change.UNMANAGED, "unmanaged"),
    )
    numbers = [f"{number} {word}" for change, word in words if (number := count_of(plan, change))]
    return [*numbers, f"{count_of(plan, Change.NONE)} unchanged"]


def count_of(plan: Plan, change: Change) -> int:
    """How many services of a plan are in this case."""
    return sum(1 for entry in plan.entries if entry.change is change)


def _head(
    environment: Environment, revision: Revision, observed: Observed, pins_path: str, style: Style
) -> list[str]:
    instances = [instance for instance in observed.instances if instance.role is not Role.TEMPLATE]
    services = {instance.service for instance in instances}
    running = sum(1 for instance in instances if instance.running)
    what = f"{count(len(services), 'service')}, {count(len(instances), 'container')}, {running} running"
    what = what if instances else "nothing yet"
    path = f"   {foreign(pins_path)}" if pins_path else ""
    return [
        f"desired  {style.paint(revision_line(revision, 60), Tone.STRONG)}{path}",
        f"running  project {foreign(environment.project)}   {what}",
        f"gate     {_gate(environment.gate)}",
    ]


def _gate(gate: Gate) -> str:
    checks = [foreign(check.name, 30) for check in gate.checks]
    what = f"containers and {count(len(checks), 'check')} ({', '.join(checks)})" if checks else "containers"
    soak = f", then good for {gate.soak_seconds:g}s" if gate.soak_seconds else ""
    return f"{what} good within {gate.timeout_seconds:g}s{soak}"


def _order(plan: Plan) -> list[str]:
    """The order of the waves, where there is more than one."""
    if len(plan.waves) < 2:
        return []
    waves = [listed([foreign(name, 40) for name in wave]) for wave in plan.waves]
    return [f"order    {', then '.join(waves)}"]


def _describe(entry: Entry) -> tuple[str, str]:
    """What stands behind a service's name, and below it."""
    images = transition(entry.before, entry.after)
    if not entry.pinned and entry.change not in _NOT_OURS and images:
        images += " (unpinned)"
    cause = foreign(entry.cause)
    if not entry.actions:
        return " · ".join(part for part in (images, cause) if part), ""
    done = ", ".join(dict.fromkeys(action_text(action) for action in entry.actions))
    return images, done if _repeats(cause, images) else f"{done} · {cause}"


def _repeats(cause: str, images: str) -> bool:
    """Whether the cause of a change says only what the images say: ``before → after``."""
    return not cause or (" → " in cause and " → " in images)


def action_text(action: Action) -> str:
    """One action in a few words: ``replace 2 containers``."""
    match action:
        case Create(count=number):
            return f"create {count(number, 'container')}"
        case Start(instances=instances):
            return f"start {count(len(instances), 'container')}"
        case Restart(instances=instances):
            return f"restart {count(len(instances), 'container')}"
        case Remove(instances=instances):
            return f"remove {count(len(instances), 'container')}"
        case Replace():
            return _replacement(action)


def containers(action: Action) -> tuple[str, ...]:
    """The names of the containers that are there already, and that an action is about."""
    match action:
        case Create():
            return ()
        case Start(instances=instances) | Restart(instances=instances) | Remove(instances=instances):
            return tuple(instance.name for instance in instances)
        case Replace(predecessors=predecessors):
            return tuple(instance.name for instance in predecessors)


def _replacement(action: Replace) -> str:
    before, ready = action.predecessors, action.successors
    if ready and all(i.running for i in ready) and not any(i.running for i in before):
        return f"judge {count(len(ready), 'container')} that an interrupted pass switched"
    wanted = action.service.replicas
    number = f", {wanted} wanted" if wanted not in (len(before), len(before) + len(ready)) else ""
    order = ", start-first" if action.service.order is Order.START_FIRST else ""
    return f"replace {count(len(before), 'container')}{number}{order}"


def _unpinned(plan: Plan) -> Sequence[str]:
    """The services that follow the Compose files."""
    return [
        foreign(entry.name, 40)
        for entry in plan.entries
        if not entry.pinned and entry.change not in _NOT_OURS
    ]
