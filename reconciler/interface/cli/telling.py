"""Tell people what a command did: by way of the outbox, and at once as far as that is quick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from reconciler.domain.foreign import foreign

if TYPE_CHECKING:
    from reconciler.domain.environment import Environment
    from reconciler.domain.events import Event
    from reconciler.interface.wiring import Wiring

BUDGET_SECONDS = 3.0
"""For all messages of a run, once its result is known. What is left goes with the next run or the daemon."""


def deliver(wiring: Wiring, environments: Sequence[Environment]) -> None:
    """Deliver what can be delivered within the budget; says on stderr why it could not even be tried."""
    relays = tuple(relay for each in environments if (relay := wiring.relay(each)) is not None)
    if not relays:
        return
    from reconciler.app.dispatching import delivered_within

    _note(delivered_within(BUDGET_SECONDS, relays))


def tell(wiring: Wiring, environment: Environment, event: Event) -> None:
    """Tell the people of an environment what somebody did by hand; it was done, whatever comes of this."""
    if not environment.notify.channels:
        return
    from reconciler.app.announcing import Announcer

    notes: list[str] = []
    Announcer(environment, wiring.outbox(environment), notes).tell(event)
    _note(notes)
    deliver(wiring, [environment])


def _note(notes: Sequence[str]) -> None:
    for note in notes:
        click.echo(f"note: {foreign(note)}", err=True)
