"""``reconcile history [ENV]``: who released what, when, and why; from Git alone."""

from __future__ import annotations

from itertools import chain

import click

from reconciler.app.history import history
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session


@click.command("history")
@click.argument("environments", nargs=-1, metavar="[ENV]...")
@click.option("--rollbacks", "only_rollbacks", is_flag=True, help="Only rollbacks: the runbook's table.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Rows per environment; 0 for all.",
)
@click.option(
    "-o", "--output", type=click.Choice(["text", "json", "markdown"]), help="Instead of the global one."
)
@click.pass_obj
def command(
    session: Session, environments: tuple[str, ...], *, only_rollbacks: bool, limit: int, output: str | None
) -> int:
    """The releases of each environment, newest first, as Git tells them."""
    from reconciler.interface.render.history_text import history_text, rollbacks, runbook_table
    from reconciler.interface.render.json_document import history_document

    wiring = session.wiring(*environments)
    wanted = output or session.output
    rows = {
        environment.name: history(
            environment,
            wiring.repository,
            wiring.state_files,
            wiring.desired,
            limit=0 if only_rollbacks else limit,
        )
        for environment in wiring.environments()
    }
    if wanted == "markdown":  # the runbook's table looks beyond the rollbacks, for what came of them
        click.echo(runbook_table(list(chain.from_iterable(rows.values()))))
        return exit_codes.OK
    if only_rollbacks:
        rows = {name: tuple(rollbacks(each)[: limit or None]) for name, each in rows.items()}
    if wanted == "json":
        click.echo(history_document(rows.items()))
    else:
        click.echo("\n\n".join(history_text(each, session.style) for each in rows.values()))
    return exit_codes.OK
