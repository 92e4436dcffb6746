"""``reconcile pause ENV``: stop releases until somebody resumes them, or until the time is up."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from reconciler.domain.brakes import Pause
from reconciler.domain.by_hand import paused_event
from reconciler.domain.foreign import foreign
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.person import person
from reconciler.interface.cli.session import Session
from reconciler.interface.cli.telling import tell
from reconciler.interface.cli.times import Duration, Moment
from reconciler.interface.render.brakes_text import paused_words


@click.command("pause")
@click.argument("environment")
@click.option("-m", "--message", "reason", default="", metavar="TEXT", help="Why; shown to everybody.")
@click.option("--for", "duration", type=Duration(), metavar="DURATION", help="For so long: 90m, 2h, 3d.")
@click.option("--until", type=Moment(), metavar="TIME", help="Until then: 2026-11-27T18:00Z.")
@click.pass_obj
def command(
    session: Session, environment: str, *, reason: str, duration: float | None, until: datetime | None
) -> int:
    """Stop changes of ENVIRONMENT, for everybody who acts on its engine.

    Releases are held, and so is putting right what drifted. Rollbacks go on, what crashed is started, what
    was removed is made again. Without a time it lasts until: reconcile resume.
    """
    if duration is not None and until is not None:
        raise click.UsageError("--for and --until say the same: leave one of the two out")
    wiring = session.wiring(environment)
    (chosen,) = [e for e in wiring.environments() if e.name == environment]
    now = wiring.clock.now()
    if duration is not None:
        until = now + timedelta(seconds=duration)
    if until is not None and until <= now:
        raise click.UsageError("--until names a time that is over")
    who = person(wiring.repository, wiring.settings.environ)
    pause = Pause(" ".join(reason.split()), who, now, until)
    pauses = wiring.engine(chosen).pauses
    earlier = pauses.pause(chosen)
    pauses.begin(chosen, pause)
    click.echo(f"{foreign(chosen.name)} is {paused_words(pause)}")
    if earlier is not None and earlier.holds(now):
        click.echo(f"it was {paused_words(earlier)}")
    click.echo(f"Rollbacks and repairs go on. To end it: reconcile resume {foreign(chosen.name)}")
    tell(wiring, chosen, paused_event(chosen.name, pause))
    return exit_codes.OK
