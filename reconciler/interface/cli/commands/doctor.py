"""``reconcile doctor``: look at everything a pass will need."""

from __future__ import annotations

import click

from reconciler.app.doctor import Diagnosis, examine
from reconciler.domain.foreign import foreign
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session


@click.command("doctor")
@click.argument("environments", nargs=-1, metavar="[ENV]...")
@click.pass_obj
def command(session: Session, environments: tuple[str, ...]) -> int:
    """Look at engine, disk, Git, Compose, lock and registries. Exits with the code of the worst finding."""
    wiring = session.wiring(*environments)
    codes: list[int] = []
    for environment in wiring.environments():
        click.echo(foreign(environment.name))
        for diagnosis in examine(wiring.reconciler(environment)):
            click.echo(_line(diagnosis))
            codes.append(exit_codes.OK if diagnosis.error is None else exit_codes.of_error(diagnosis.error))
    return exit_codes.worst(codes)


def _line(diagnosis: Diagnosis) -> str:
    """One look in one line; a failure has its hint below."""
    mark = "ok  " if diagnosis.good else "FAIL"
    line = f"  {mark} {diagnosis.subject:<24}  {foreign(diagnosis.detail)}"
    hint = diagnosis.error.hint if diagnosis.error else ""
    return f"{line}\n       = help: {foreign(hint)}" if hint else line
