"""``reconcile backup ENV``: back up the databases of an environment, or list their backups."""

from __future__ import annotations

import click

from reconciler.app.backing_up import back_up_now, couch_of
from reconciler.app.backup import Backups
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session


@click.command("backup")
@click.argument("environment")
@click.option("--list", "listing", is_flag=True, help="What backups there are; makes none.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), help="Instead of the global one.")
@click.pass_obj
def command(session: Session, environment: str, *, listing: bool, output: str | None) -> int:
    """Back up every database of ENVIRONMENT beside itself, and verify it; writers go on meanwhile.

    A database that has not changed since its last backup is not copied again. Older backups go, but for the
    newest ones and those of releases that can be gone back to.
    """
    from reconciler.interface.render import backup_text, json_data
    from reconciler.interface.render.json_document import backup_document

    form = session.form("json", own=output)
    wiring = session.wiring(environment)
    (chosen,) = [e for e in wiring.environments() if e.name == environment]
    couch, documents = couch_of(chosen), wiring.data.documents(chosen)
    reconciler = wiring.reconciler(chosen)
    if listing:
        listed = Backups(reconciler.host, documents, couch).listed()
        text = backup_text.listed_text(environment, listed, session.style)
        found = json_data.listed_object(listed)
    else:
        with session.acting():
            made = back_up_now(reconciler, documents)
        text = backup_text.backed_up_text(environment, made, session.style)
        found = json_data.backed_up_object(made)
    click.echo(backup_document(environment, found, acted=not listing) if form == "json" else text)
    return exit_codes.OK
