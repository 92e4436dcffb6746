"""``reconcile promote FROM TO [SVC…]``: pin elsewhere what has proven itself here."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from reconciler.app.promotion import Place, Promotion
from reconciler.domain.foreign import foreign
from reconciler.domain.report import Result
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.commands.pin import moved_text
from reconciler.interface.cli.session import Session
from reconciler.interface.cli.times import Duration
from reconciler.interface.wiring import Wiring

if TYPE_CHECKING:
    from reconciler.interface.cli.workflow import Workflow
    from reconciler.ports import Proposals

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
@click.option("--pr", is_flag=True, help="Ask at GitHub for the merge of a branch with the commit, instead.")
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
    pr: bool,
) -> int:
    """Pin in TO what FROM pins, in one commit, with the evidence that it is good.

    Every service that both pin moves, or none: each must run in FROM as it is pinned, have passed its gate
    and been good for the soak, and be blocked nowhere. Naming services moves only those.
    """
    if push and pr:
        raise click.UsageError("--push commits on the branch itself, --pr asks for it: leave one of them out")
    if origin == goal:
        raise click.UsageError("FROM and TO are the same environment")
    workflow = session.workflow() if session.form("github") == "github" else None
    with workflow.ended_by_errors() if workflow else nullcontext():
        wiring = session.wiring(origin, goal)
        promotion = _promotion(wiring, origin, goal)
        branch = wiring.push_branch() if push or pr else ""
        if pr:
            said = _proposed(promotion, services, soak, wiring.proposals(), onto=branch, reason=reason)
        else:
            moved = promotion.promote(services, soak, reason=reason, push=branch)
            said = moved_text(moved) if moved else ""
    nothing = f"{foreign(goal)} pins what {foreign(origin)} does already."
    if workflow is None:
        click.echo(said or nothing)
    else:
        workflow.show("promote", said or nothing)
        _tell(workflow, f"{origin} → {goal}", said, nothing)
    return exit_codes.OK


def _proposed(
    promotion: Promotion,
    services: tuple[str, ...],
    soak_seconds: float,
    proposals: Proposals,
    *,
    onto: str,
    reason: str,
) -> str:
    """What is proposed and where, one line per pin; empty where nothing differs."""
    proposed = promotion.propose(services, soak_seconds, proposals, onto=onto, reason=reason)
    if proposed is None:
        return ""
    lines = [foreign(str(move)) for move in proposed.moves]
    return "\n".join([*lines, f"proposed on {foreign(proposed.branch)}: {foreign(proposed.address)}"])


def _tell(workflow: Workflow, title: str, said: str, nothing: str) -> None:
    """Summary and outputs for a step of a workflow."""
    from reconciler.domain.foreign import text_of
    from reconciler.interface.cli.workflow import Outputs

    result = PROMOTED if said else str(Result.NO_OP)
    lines = "\n".join(f"- {text_of(line)}" for line in (said or nothing).splitlines())
    told = Outputs(changed=bool(said), result=result, code=exit_codes.OK)
    workflow.end((), [f"### {text_of(title)}: {result}", lines], told)


def _promotion(wiring: Wiring, origin: str, goal: str) -> Promotion:
    known = {environment.name: environment for environment in wiring.environments()}
    start, end = (Place(known[name], wiring.journal(known[name])) for name in (origin, goal))
    engine = wiring.engine(start.environment)
    return Promotion(start, end, engine, wiring.pins, wiring.clock)
