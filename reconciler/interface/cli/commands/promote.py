"""``reconcile promote FROM TO [SVC…]``: pin elsewhere what has proven itself here."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from reconciler.app.promotion import Place, Promotion
from reconciler.app.release import Moved
from reconciler.domain.foreign import foreign
from reconciler.domain.report import Result
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.commands.pin import moved_text
from reconciler.interface.cli.session import Session
from reconciler.interface.cli.times import Duration
from reconciler.interface.wiring import Wiring

if TYPE_CHECKING:
    from reconciler.interface.cli.workflow import Workflow

PROMOTED = "promoted"
"""The result in the outputs of a workflow's step, where something was."""


@click.command("promote")
@click.argument("origin", metavar="FROM")
@click.argument("goal", metavar="TO")
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option(
    "--soak",
    type=Duration(),
    default="30m",
    show_default=True,
    metavar="TIME",
    help="For how long it must have been good in FROM.",
)
@click.option(
    "-m", "--message", "reason", default="", metavar="TEXT", help="Why; becomes part of the commit."
)
@click.option("--push", is_flag=True, help="Commit on top of the remote branch, and push.")
@click.pass_obj
def command(
    session: Session,
    origin: str,
    goal: str,
    services: tuple[str, ...],
    *,
    soak: float,
    reason: str,
    push: bool,
) -> int:
    """Pin in TO what FROM pins, in one commit, with the evidence that it is good.

    Every service that both pin moves, or none: each must run in FROM as it is pinned, have passed its gate
    and been good for the soak, and be blocked nowhere. Naming services moves only those.
    """
    if origin == goal:
        raise click.UsageError("FROM and TO are the same environment")
    workflow = session.workflow() if session.form("github") == "github" else None
    with workflow.ended_by_errors() if workflow else nullcontext():
        wiring = session.wiring(origin, goal)
        promotion = _promotion(wiring, origin, goal)
        branch = wiring.push_branch() if push else ""
        moved = promotion.promote(services, soak, reason=reason, push=branch)
    nothing = f"{foreign(goal)} pins what {foreign(origin)} does already."
    said = moved_text(moved) if moved else nothing
    if workflow is None:
        click.echo(said)
    else:
        workflow.show("promote", said)
        _tell(workflow, origin, goal, moved, nothing)
    return exit_codes.OK


def _tell(workflow: Workflow, origin: str, goal: str, moved: Moved | None, nothing: str) -> None:
    """Summary and outputs for a step of a workflow."""
    from reconciler.domain.foreign import text_of
    from reconciler.interface.cli.workflow import Outputs

    blocks = [f"### {text_of(origin)} → {text_of(goal)}: {PROMOTED if moved else Result.NO_OP}"]
    blocks += ["\n".join(f"- {text_of(line)}" for line in moved_text(moved).splitlines())] if moved else []
    told = Outputs(changed=moved is not None, result=PROMOTED if moved else Result.NO_OP, code=exit_codes.OK)
    workflow.end((), blocks if moved else [*blocks, text_of(nothing)], told)


def _promotion(wiring: Wiring, origin: str, goal: str) -> Promotion:
    known = {environment.name: environment for environment in wiring.environments()}
    start, end = (Place(known[name], wiring.journal(known[name])) for name in (origin, goal))
    engine = wiring.engine(start.environment)
    return Promotion(start, end, engine, wiring.pins, wiring.clock)
