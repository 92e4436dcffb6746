"""``reconcile check``: validate every file, without asking the engine or the network."""

from __future__ import annotations

import click

from reconciler.errors import Invalid
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session


@click.command("check")
@click.argument("environments", nargs=-1, metavar="[ENV]...")
@click.option("--allow-dirty", is_flag=True, help="Check the files as they lie there, committed or not.")
@click.pass_obj
def command(session: Session, environments: tuple[str, ...], *, allow_dirty: bool) -> int:
    """Validate reconcile.yaml, the pins and the Compose files; all problems at once."""
    from reconciler.interface.render.errors_text import error_text

    session.allow_dirty = session.allow_dirty or allow_dirty
    wiring = session.wiring(*environments)
    codes: list[int] = []
    good: list[str] = []
    for environment in wiring.environments():
        try:
            desired = wiring.desired.read(environment).desired
        except Invalid as error:
            codes.append(exit_codes.of_error(error))
            click.echo(error_text(error, session.style), err=True)
            continue
        pinned = sum(service.pinned for service in desired.services)
        good.append(f"{environment.name}: {len(desired.services)} services, {pinned} pinned")
    if good and not session.quiet:
        click.echo("\n".join(good))
    return exit_codes.worst(codes)
