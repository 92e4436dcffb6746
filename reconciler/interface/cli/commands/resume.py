"""``reconcile resume ENV``: end a pause."""

from __future__ import annotations

import click

from reconciler.domain.by_hand import resumed_event
from reconciler.domain.foreign import foreign
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.person import person
from reconciler.interface.cli.session import Session
from reconciler.interface.cli.telling import tell
from reconciler.interface.render.brakes_text import paused_words


@click.command("resume")
@click.argument("environment")
@click.pass_obj
def command(session: Session, environment: str) -> int:
    """End the pause of ENVIRONMENT; the next pass makes the releases that were held.

    Exit 1 when it was not paused.
    """
    wiring = session.wiring(environment)
    (chosen,) = [e for e in wiring.environments() if e.name == environment]
    ended = wiring.engine(chosen).pauses.end(chosen)
    name = foreign(chosen.name)
    if ended is None:
        click.echo(f"{name} was not paused.")
        return exit_codes.FAILED
    if not ended.holds(wiring.clock.now()):
        click.echo(f"{name} was not paused any more: it was {paused_words(ended)}")
        return exit_codes.FAILED
    click.echo(f"resumed: {name} was {paused_words(ended)}")
    click.echo(f"next: reconcile --once -e {name}")
    who = person(wiring.repository, wiring.settings.environ)
    tell(wiring, chosen, resumed_event(chosen.name, ended, wiring.clock.now(), who))
    return exit_codes.OK
