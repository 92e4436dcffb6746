"""``reconcile reindex ENV [INDEX…]``: fill the indexes of the search server again."""

from __future__ import annotations

from collections.abc import Sequence

import click

from reconciler.domain.search import Rebuilt
from reconciler.errors import ReconcileError
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session


@click.command("reindex")
@click.argument("environment")
@click.argument("indexes", nargs=-1, metavar="[INDEX]...")
@click.option("--swap-back", is_flag=True, help="Let what was displaced last serve again, and build nothing.")
@click.option("--allow-fewer", is_flag=True, help="Take less than half of the documents of before.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), help="Instead of the global one.")
@click.pass_obj
def command(
    session: Session,
    environment: str,
    indexes: tuple[str, ...],
    *,
    swap_back: bool,
    allow_fewer: bool,
    output: str | None,
) -> int:
    """Fill the indexes of ENVIRONMENT again, as reconcile.yaml says, and wait until they are whole.

    Without INDEX these are all that are written there.
    """
    form = session.form("json", own=output)
    if swap_back and allow_fewer:
        raise click.UsageError("--allow-fewer is about building: leave one of the two out")
    try:
        rebuilt, error = _done(session, environment, indexes, swap_back=swap_back, fewer=allow_fewer), None
    except ReconcileError as problem:
        if form != "json":
            raise
        rebuilt, error = (), problem
    code = exit_codes.OK if error is None else exit_codes.of_error(error)
    if form == "json":
        from reconciler.interface.render.json_document import reindex_document

        click.echo(reindex_document(environment, rebuilt, error, code))
    else:
        from reconciler.interface.render.reindex_text import reindex_text

        click.echo(reindex_text(environment, rebuilt, session.style, back=swap_back))
    return code


def _done(
    session: Session, environment: str, indexes: Sequence[str], *, swap_back: bool, fewer: bool
) -> tuple[Rebuilt, ...]:
    wiring = session.wiring(environment)
    (chosen,) = [e for e in wiring.environments() if e.name == environment]
    reindex = wiring.data.reindex(chosen)
    with session.acting():
        return reindex.swap_back(indexes) if swap_back else reindex.rebuild(indexes, fewer=fewer)
