"""Which releases still stand: what a rollback goes back to, told by content.

Each service has a stack of the images that it was pinned to. A new image goes on top; a commit that
pins an image that is in the stack already goes back to it, whoever wrote it and in whatever way: a
``git revert`` by a person counts as a rollback just as one of ours. So rolling back twice goes two
releases back, and never forward to one that was taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

ENVIRONMENT = "Reconcile-Environment"
ROLLBACK_OF = "Reconcile-Rollback-Of"
RUN = "Reconcile-Run"


@dataclass(frozen=True, slots=True)
class Pinned:
    """An image that a service was pinned to, and the commit that did it; ``order`` counts commits."""

    image: str
    commit: str
    order: int


Stacks = Mapping[str, tuple[Pinned, ...]]


@dataclass(frozen=True, slots=True)
class Earlier:
    """The release to take back, and the images that its services had before it."""

    commit: str
    images: Mapping[str, str]


def standing(releases: Iterable[tuple[str, Mapping[str, str]]]) -> Stacks:
    """The stacks of all services that are pinned now.

    Args:
        releases: commit id and pins (service → image) of each commit, oldest first.
    """
    stacks: dict[str, tuple[Pinned, ...]] = {}
    now: Mapping[str, str] = {}
    for order, (commit, now) in enumerate(releases):
        for service, image in now.items():
            stack = stacks.get(service, ())
            there = next((index for index, pinned in enumerate(stack) if pinned.image == image), None)
            stacks[service] = (*stack, Pinned(image, commit, order)) if there is None else stack[: there + 1]
    return {service: stack for service, stack in stacks.items() if service in now}


def earlier(stacks: Stacks, services: Sequence[str] = ()) -> Earlier | None:
    """What to go back to; None where there is nothing earlier.

    Args:
        stacks: see ``standing``.
        services: those to roll back, each to what it had before; where empty, all services of the latest
            release that still stands.
    """
    tops = {name: stack for name, stack in stacks.items() if len(stack) > 1}
    if services:
        chosen = {name: tops[name] for name in services if name in tops}
        if len(chosen) < len(services):
            return None
    else:
        latest = max((stack[-1].order for stack in tops.values()), default=-1)
        chosen = {name: stack for name, stack in tops.items() if stack[-1].order == latest}
    if not chosen:
        return None
    newest = max((stack[-1] for stack in chosen.values()), key=lambda pinned: pinned.order)
    return Earlier(newest.commit, {name: stack[-2].image for name, stack in sorted(chosen.items())})
