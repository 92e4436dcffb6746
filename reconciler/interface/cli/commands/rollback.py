"""``reconcile rollback ENV [SVC…]``: pin what ran before, commit, and converge."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

import click

from reconciler.app.release import Move
from reconciler.domain.desired import Revision
from reconciler.domain.environment import Environment, GitPolicy
from reconciler.errors import EngineUnreachable, PermissionRefused, Stale
from reconciler.interface.cli.commands import once
from reconciler.interface.cli.commands.pin import moved_text
from reconciler.interface.cli.session import Session

if TYPE_CHECKING:
    from reconciler.interface.wiring import Wiring


@click.command("rollback")
@click.argument("environment")
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--to", default="", metavar="REVISION", help="Take the pins of this commit instead.")
@click.option("-m", "--message", "reason", default="", metavar="TEXT", help="Why; kept in the commit.")
@click.option("--no-push", is_flag=True, help="Commit here only.")
@click.option("--no-converge", is_flag=True, help="Commit only; the next pass does the rest.")
@click.option("--data-stays", is_flag=True, help="The older release works with the data as it is now.")
@click.option("--yes", is_flag=True, help="Approve it, should it be no way back but a release.")
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
    data_stays: bool,
    yes: bool,
) -> int:
    """Pin what ran before, in a commit that reverts exactly these pins, and converge.

    Without REVISION this is the release before the present one; releases that were rolled back
    already are passed over. Where the present release changed data so that the one before it cannot
    read it (docs/data.md), this is refused: restore the data, or say --data-stays.
    """
    session.approved = session.approved or yes
    workflow = session.workflow() if session.form("json", "markdown", "github") == "github" else None
    with workflow.ended_by_errors() if workflow else nullcontext():
        wiring = session.wiring(environment)
        (chosen,) = [e for e in wiring.environments() if e.name == environment]
        branch = "" if no_push or chosen.rollback.git is not GitPolicy.PUSH else wiring.repository.upstream()
        require = _anything if data_stays else partial(_require_data_not_in_the_way, wiring, chosen)
        moved = wiring.pins.roll_back(chosen, services, to=to, reason=reason, push=branch, require=require)
        click.echo(moved_text(moved), err=session.output in ("json", "markdown"))
        if no_converge:
            return 0
        _require_checked_out(wiring.repository.head(), moved.revision)
    return once.run(session, environment, patient=True)


def _anything(_moves: tuple[Move, ...]) -> None:
    """A person said that the data may stay as it is."""


def _require_data_not_in_the_way(wiring: Wiring, environment: Environment, moves: tuple[Move, ...]) -> None:
    """See that the older release can work with the data that is there.

    Raises:
        Refused: as far as that can be told, it cannot.
    """
    from reconciler.app.data_in_the_way import refuse_behind_data

    try:
        observed = wiring.engine(environment).observe(environment.project)
    except (EngineUnreachable, PermissionRefused) as error:
        observed = None
        click.echo(f"note: what the images say about data is not known: {error.problem}", err=True)
    refuse_behind_data(environment, moves, observed, wiring.journal(environment).blocks(environment))


def _require_checked_out(here: Revision, moved: Revision) -> None:
    """A pass reads HEAD. Where that could not follow, it would release what was just taken back.

    Raises:
        Stale: HEAD is not the commit that moved the pins.
    """
    if here.commit != moved.commit:
        raise Stale(
            f"commit {moved.commit[:7]} takes the pins back, but {here.commit[:7]} is checked out here: "
            "nothing was done on the host",
            hint="Bring the checkout to that commit (git pull --rebase, or git checkout), "
            "then: reconcile --once",
        )
