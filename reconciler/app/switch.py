"""Switch one place from predecessor to successor, and back.

The engine is the journal: names and restart policies change in an order that tells the next pass,
whatever was killed in between, how far this one got. A container that bears its serving name has
its own restart policy; so the policy changes only while the name says ``.predecessor``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.app.host import Host
from reconciler.app.slots import Slot
from reconciler.domain.desired import Order
from reconciler.domain.observed import Role

USUAL_GRACE_SECONDS = 10.0
"""The engine's own, where the service's is not known."""


@dataclass(frozen=True, slots=True)
class Retired:
    """A slot that is about to be switched; ``policy`` is the restart policy that its predecessor had."""

    slot: Slot
    policy: str


def policy_before(host: Host, slot: Slot) -> str:
    """The restart policy to give back to the predecessor; an earlier pass may have taken it."""
    policy = host.engine.restart_policy(slot.predecessor.id)
    taken = policy == "no" and slot.predecessor.role is Role.PREDECESSOR
    return slot.service.restart if taken else policy


def retire(host: Host, slot: Slot) -> None:
    """Take name and restart policy from the predecessor, and give the name to the successor.

    With ``restart: always`` the engine would start the predecessor again after its own restart, and
    it would take the host port from its successor.
    """
    if slot.reused:  # it may have been a predecessor, whose policy was taken
        host.engine.set_restart_policy(slot.successor, slot.service.restart)
    host.engine.rename(slot.predecessor.id, slot.retired_name)
    host.engine.rename(slot.successor, slot.name)
    host.engine.set_restart_policy(slot.predecessor.id, "no")


def switch(host: Host, slot: Slot) -> float:
    """Stop the predecessor and start the successor; returns the seconds in which neither ran.

    With start-first the successor runs already; the predecessor just stops.

    Raises:
        EngineFailed: the successor cannot be started. The predecessor is stopped then; undo it.
    """
    started = host.clock.monotonic()
    host.engine.stop(slot.predecessor.id, slot.service.stop_grace_seconds)
    if slot.service.order is Order.START_FIRST:
        return 0.0
    host.engine.start(slot.successor)
    return host.clock.monotonic() - started if slot.served else 0.0


def switch_back(host: Host, slot: Slot, policy: str, settle: Callable[[], object] = lambda: None) -> None:
    """Put the predecessor back: running, with its name and its restart policy.

    Works from any point of ``switch``. Needs neither registry nor Git nor names of the network. With
    start-first, ``settle`` is called between the start of the predecessor and the stop of the successor.

    Raises:
        EngineFailed: the predecessor cannot be started.
    """
    start_first = slot.service.order is Order.START_FIRST
    if start_first and slot.served:
        host.engine.start(slot.predecessor.id)
        settle()
    host.engine.stop(slot.successor, slot.service.stop_grace_seconds)
    if slot.served and not start_first and not slot.service.one_shot:
        host.engine.start(slot.predecessor.id)
    host.engine.set_restart_policy(slot.predecessor.id, policy)
    host.engine.rename(slot.successor, slot.waiting_name)
    host.engine.rename(slot.predecessor.id, slot.name)
