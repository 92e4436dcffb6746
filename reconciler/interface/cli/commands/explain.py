"""``reconcile explain ENV``: which rule decided about the last release, and what would change it."""

from __future__ import annotations

import click

from reconciler.domain.foreign import foreign
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session


@click.command("explain")
@click.argument("environment")
@click.pass_obj
def command(session: Session, environment: str) -> int:
    """Why the last release of ENVIRONMENT was kept or undone: the rule, each check, the matrix.

    The evidence is that of the journal, the matrix that of reconcile.yaml now.
    """
    from reconciler.interface.render.explain_text import account_text, of_story
    from reconciler.interface.render.story_text import run_line

    wiring = session.wiring(environment)
    (chosen,) = [e for e in wiring.environments() if e.name == environment]
    journal = wiring.journal(chosen)
    newest = next(iter(journal.runs(chosen, limit=1)), None)
    story = journal.story(chosen, newest.id) if newest is not None else None
    if story is None:
        click.echo(f"Nothing was released in {foreign(chosen.name)} from this host, as far as it remembers.")
        return exit_codes.OK
    click.echo(run_line(story.run))
    click.echo(account_text(of_story(story), chosen.gate.matrix, session.style))
    return exit_codes.OK
