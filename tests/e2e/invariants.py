"""The invariants, as far as what was seen from outside can break them.

Each function takes what was seen and returns what is wrong with it, in sentences; an empty list is good.
I-5 is in `undone.py`, I-7 in `leftovers.py`, I-8 in `canaries.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.e2e.containers import Container
from tests.e2e.recorder import NUMBER, PROJECT, SERVICE, Event
from tests.e2e.snapshot import Snapshot, healthy

HASH = "com.docker.compose.config-hash"
Digests = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a pass said of itself.

    Args:
        result: the report's word: ``converged``, ``no-op``, ``rolled-back``, ``rollback-failed``, ``failed``.
        requested: by service, the digest that Git pins at the revision that was read.
        excused: services that the report leaves out of sync on purpose: blocked, held, unmanaged.
    """

    result: str
    requested: Mapping[str, str]
    excused: frozenset[str] = frozenset()

    @property
    def good(self) -> bool:
        return self.result in ("converged", "no-op")


# -- I-1 ------------------------------------------------------------------------------------------


def serves_again(before: Snapshot, after: Snapshot, removed: Collection[str] = ()) -> list[str]:
    """A service with a healthy instance at the beginning has one at the end, unless it was to be removed."""
    served = {one.service for one in before.containers if healthy(one)} - set(removed)
    serves = {one.service for one in after.containers if healthy(one)}
    return [f"I-1: {name} was healthy and no instance of it is" for name in sorted(served - serves)]


def answers_again(url: str, samples: Sequence[tuple[float, str]]) -> list[str]:
    """A URL that answered at first answers at last."""
    if samples and samples[0][1] and not samples[-1][1]:
        return [f"I-1: {url} answered when it began and does not any more"]
    return []


def never_without(service: str, before: Snapshot, events: Iterable[Event]) -> list[str]:
    """At every moment some instance of a service ran."""
    for at, running in moments(before, events):
        if not any(label[SERVICE] == service for label in running.values()):
            return [f"I-1: no instance of {service} ran after {at}"]
    return []


# -- I-2 ------------------------------------------------------------------------------------------


def never_two(before: Snapshot, after: Snapshot, events: Iterable[Event]) -> list[str]:
    """Of a service that publishes a port, never two generations of one instance ran at once."""
    seen = (*before.containers, *after.containers)
    publishing = {one.service for one in seen if one.content["HostConfig"]["PortBindings"]}
    for at, running in moments(before, events):
        places = [
            (label[SERVICE], label.get(NUMBER, ""))
            for label in running.values()
            if label[SERVICE] in publishing
        ]
        if twice := sorted(
            {f"{name}-{number}" for name, number in places if places.count((name, number)) > 1}
        ):
            return [f"I-2: two generations of {', '.join(twice)} ran at once after {at}"]
    return []


def to_and_fro(versions: Sequence[str], events: Iterable[Event]) -> list[str]:
    """What a port answered changed no more often than containers of the project were started."""
    starts = sum(1 for one in events if one.kind == "container" and one.action == "start")
    turns = max(len(versions) - 1, 0)
    if turns <= starts:
        return []
    return [f"I-2: the answer changed {turns} times with {starts} starts: {' → '.join(versions)}"]


def one_generation(after: Snapshot) -> list[str]:
    """All instances of a service that run were made from one image and one definition."""
    generations: dict[str, set[tuple[str, str]]] = {}
    for one in after.containers:
        if one.status == "running":
            generations.setdefault(one.service, set()).add((one.image_id, labels(one).get(HASH, "")))
    return [
        f"I-2: {len(seen)} generations of {name} run" for name, seen in generations.items() if len(seen) > 1
    ]


def moments(
    before: Snapshot, events: Iterable[Event]
) -> Iterable[tuple[str, Mapping[str, Mapping[str, str]]]]:
    """What ran, by container id with its labels: at the beginning, and after each start and each end.

    An end that a start follows in the same container or within the engine's own restart is seen as a gap.
    """
    running = {one.id: labels(one) for one in before.containers if one.status == "running"}
    yield "the beginning", running
    for one in events:
        if one.kind != "container" or SERVICE not in one.attributes:
            continue
        if one.action == "start":
            running[one.id] = one.attributes
        elif one.action == "die":
            running.pop(one.id, None)
        else:
            continue
        yield str(one), running


# -- I-3 ------------------------------------------------------------------------------------------


def foreign_untouched(before: Snapshot, after: Snapshot) -> list[str]:
    """What was on the engine and is not the project's is there as it was."""
    broken = []
    for name, mark in before.foreign.items():
        now = after.foreign.get(name)
        if now != mark:
            broken.append(f"I-3: foreign {name} was {mark} and is {now or 'gone'}")
    for image, names in before.in_use.items():
        kept = {name for name in names if not name.endswith(":rollback")}
        if lost := kept - after.in_use.get(image, frozenset()):
            broken.append(f"I-3: an image in use lost {', '.join(sorted(lost))}")
    return broken


def foreign_silent(ids: Collection[str], events: Iterable[Event]) -> list[str]:
    """Nothing was done to any of these."""
    return [f"I-3: {one} of a bystander" for one in events if one.changes and one.concerns(ids)]


# -- I-4 ------------------------------------------------------------------------------------------


def as_claimed(claim: Claim, before: Digests, after: Digests) -> list[str]:
    """The requested digests run exactly when the report says so, and nothing else beside them."""
    wanted = {name: digest for name, digest in claim.requested.items() if name not in claim.excused}
    wrong = {
        name: running
        for name, digest in wanted.items()
        for running in [after.get(name, frozenset())]
        if digest not in running
    }
    if claim.good:
        return [
            f"I-4: the report says {claim.result}, and {name} runs {', '.join(running) or 'nothing'}, "
            f"not {wanted[name]}"
            for name, running in wrong.items()
        ]
    ran_already = all(digest in before.get(name, frozenset()) for name, digest in wanted.items())
    if wanted and not wrong and not ran_already:
        return [f"I-4: the report says {claim.result}, and all that was requested runs"]
    return []


def as_before(claim: Claim, before: Digests, after: Digests) -> list[str]:
    """After a release that was undone everything runs what it ran when the pass began."""
    if claim.result != "rolled-back":
        return []
    return [
        f"I-4: the report says rolled-back, and {name} does not run what it ran before"
        for name, digests in before.items()
        if after.get(name) != digests
    ]


# -- I-6 ------------------------------------------------------------------------------------------


def quiet(project: str, ids: Collection[str], events: Iterable[Event]) -> list[str]:
    """Nothing was done to the project.

    Args:
        ids: of its containers, networks and volumes.
    """
    return [
        f"I-6: one more pass did: {one}"
        for one in events
        if one.changes and (one.attributes.get(PROJECT) == project or one.concerns(ids))
    ]


def labels(one: Container) -> Mapping[str, str]:
    found: Mapping[str, str] = one.content["Config"]["Labels"]
    return found
