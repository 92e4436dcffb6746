"""``reconcile rollback ENV [SVC…]``: pin what ran before, commit, and converge."""

from __future__ import annotations

import click

from reconciler.domain.environment import GitPolicy
from reconciler.interface.cli.commands import once
from reconciler.interface.cli.commands.pin import moved_text
from reconciler.interface.cli.session import Session


@click.command("rollback")
@click.argument("environment")
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--to", default="", metavar="REVISION", help="Take the pins of this commit instead.")
@click.option("-m", "--message", "reason", default="", metavar="TEXT", help="Why; kept in the commit.")
@click.option("--no-push", is_flag=True, help="Commit here only.")
@click.option("--no-converge", is_flag=True, help="Commit only; the next pass does the rest.")
@click.pass_obj
def command(
    session: Session,
    environment: str,
    services: tuple[str, ...],
    *,
    to: str,
    reason: str,
    no_push: bool,
    no_converge: bool,
) -> int:
    """Pin what ran before, in a commit that reverts exactly these pins, and converge.

    Without REVISION this is the release before the present one; releases that were rolled back
    already are passed over.
    """
    wiring = session.wiring(environment)
    (chosen,) = [e for e in wiring.environments() if e.name == environment]
    branch = "" if no_push or chosen.rollback.git is not GitPolicy.PUSH else wiring.repository.upstream()
    moved = wiring.pins.roll_back(chosen, services, to=to, reason=reason, push=branch)
    click.echo(moved_text(moved), err=session.output in ("json", "markdown"))
    return 0 if no_converge else once.run(session, environment)
