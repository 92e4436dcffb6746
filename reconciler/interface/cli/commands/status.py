"""``reconcile status [ENV]``: sync, health and revision."""

from __future__ import annotations

import time

import click

from reconciler.domain.report import EnvironmentHealth, Sync
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.look import Looked, looked
from reconciler.interface.cli.session import Session

LOOK_AGAIN_SECONDS = 0.5


@click.command("status")
@click.argument("environments", nargs=-1, metavar="[ENV]...")
@click.option("--wait", is_flag=True, help="Wait until everything is synced and healthy.")
@click.option("--timeout", type=click.FloatRange(min=0), default=300.0, metavar="SECONDS", help="For --wait.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), help="Instead of the global one.")
@click.pass_obj
def command(
    session: Session, environments: tuple[str, ...], *, wait: bool, timeout: float, output: str | None
) -> int:
    """Whether what runs is what Git wants, and whether what runs works.

    With --wait: exit 1 when the time is up before everything is synced and healthy.
    """
    wanted = session.form("json", own=output)
    wiring = session.wiring(*environments)
    reconcilers = [wiring.reconciler(environment) for environment in wiring.environments()]
    give_up = time.monotonic() + timeout
    looks = looked(reconcilers)
    while wait and not all(map(_good, looks)) and time.monotonic() < give_up:
        time.sleep(LOOK_AGAIN_SECONDS)
        looks = looked(reconcilers)
    codes = [one.code for one in looks]
    if wait:
        codes += [exit_codes.FAILED for one in looks if not _good(one)]
    click.echo(_text(session, looks, wanted))
    if wanted != "json":
        _explain(session, looks)
    return exit_codes.worst(codes)


def _good(one: Looked) -> bool:
    return one.status.sync is Sync.SYNCED and one.status.health is EnvironmentHealth.HEALTHY


def _explain(session: Session, looks: list[Looked]) -> None:
    """On stderr, why an environment could not be looked at: the table has room for a few words only."""
    from reconciler.interface.render.errors_text import error_text

    for error in [one.status.error for one in looks if one.status.error is not None]:
        click.echo(error_text(error, session.style), err=True)


def _text(session: Session, looks: list[Looked], output: str) -> str:
    if output == "json":
        from reconciler.interface.render.json_document import status_document

        return status_document((one.status, one.code) for one in looks)
    from reconciler.interface.render.status_text import status_text

    return status_text([one.status for one in looks], session.style)
