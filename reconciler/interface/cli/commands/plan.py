"""``reconcile plan [ENV]``: what would change, and why."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from reconciler.domain.report import Result
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.look import Looked, looked
from reconciler.interface.cli.session import Session

if TYPE_CHECKING:
    from reconciler.interface.cli.workflow import Workflow
    from reconciler.interface.render.github import Annotation
    from reconciler.interface.wiring import Wiring


@click.command("plan")
@click.argument("environments", nargs=-1, metavar="[ENV]...")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are differences.")
@click.option(
    "-o", "--output", type=click.Choice(["text", "json", "github"]), help="Instead of the global one."
)
@click.pass_obj
def command(
    session: Session, environments: tuple[str, ...], *, detailed_exitcode: bool, output: str | None
) -> int:
    """What a pass would change, and why. Touches nothing."""
    form = session.form("json", "github", own=output)
    workflow = session.workflow() if form == "github" else None
    with workflow.ended_by_errors() if workflow else nullcontext():
        wiring = session.wiring(*environments)
        looks = looked([wiring.reconciler(environment) for environment in wiring.environments()])
    codes = [_code(one, detailed=detailed_exitcode) for one in looks]
    if workflow:
        _tell(workflow, wiring, session, looks, exit_codes.worst(codes))
    elif form == "json":
        from reconciler.interface.render.json_document import plan_document

        click.echo(plan_document(zip((one.status for one in looks), codes, strict=True)))
    else:
        _print(session, looks)
    return exit_codes.worst(codes)


def _code(one: Looked, *, detailed: bool) -> int:
    if one.look is None or one.look.plan.empty or not detailed:
        return one.code
    return exit_codes.DIFFERENCES


def _print(session: Session, looks: Sequence[Looked]) -> None:
    """Plans on stdout; what could not be planned, and why, on stderr."""
    before = ""
    for one in looks:
        error, plan = _texts(session, one)
        if error:
            click.echo(error, err=True)
        if plan:
            apart = "\n" if before and "\n" in before + plan else ""
            click.echo(apart + plan)
            before = plan


def _texts(session: Session, one: Looked) -> tuple[str, str]:
    """Why there is no plan, or the plan."""
    from reconciler.interface.render.brakes_text import brakes_lines, something_held
    from reconciler.interface.render.errors_text import error_text
    from reconciler.interface.render.plan_text import plan_text

    error = error_text(one.status.error, session.style) if one.status.error is not None else ""
    if one.look is None:
        return error, ""
    look, desired = one.look, one.look.desired
    path = look.source.pins_path
    environment, held = desired.environment, something_held(look.plan)
    remarks = brakes_lines(environment.name, look.brakes, held=held)
    plan = plan_text(environment, desired.revision, look.plan, look.observed, session.style, path, remarks)
    return error, plan


def _tell(workflow: Workflow, wiring: Wiring, session: Session, looks: Sequence[Looked], code: int) -> None:
    """The same for a step of a workflow."""
    from reconciler.interface.cli.workflow import Outputs
    from reconciler.interface.render.github_annotations import of_error, of_plan
    from reconciler.interface.render.report_markdown import plan_blocks

    annotations: list[Annotation] = []
    for one in looks:
        name = one.status.environment
        workflow.show(name, "\n".join(filter(None, _texts(session, one))))
        if one.status.error is not None:
            annotations += of_error(one.status.error, name)
        if one.look is not None:
            services = one.look.desired.services
            pins = {service.name: service.pin for service in services if service.pin is not None}
            annotations += of_plan(name, one.look.plan, one.look.source.pins_path, pins)
    told = Outputs(
        changed=any(one.look is not None and not one.look.plan.empty for one in looks),
        result=str(Result.FAILED if any(one.look is None for one in looks) else Result.NO_OP),
        code=code,
    )
    blocks = [block for one in looks for block in plan_blocks(one.status)]
    workflow.end(annotations, blocks, told, wiring.repository.top)
