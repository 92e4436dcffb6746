"""``reconcile check``: validate every file, without asking the engine or the network."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from reconciler.domain.report import Result
from reconciler.errors import Invalid
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session
from reconciler.interface.wiring import Wiring

if TYPE_CHECKING:
    from reconciler.interface.cli.workflow import Workflow


@click.command("check")
@click.argument("environments", nargs=-1, metavar="[ENV]...")
@click.option("--allow-dirty", is_flag=True, help="Check the files as they lie there, committed or not.")
@click.option("-o", "--output", type=click.Choice(["text", "github"]), help="Instead of the global one.")
@click.pass_obj
def command(session: Session, environments: tuple[str, ...], *, allow_dirty: bool, output: str | None) -> int:
    """Validate reconcile.yaml, the pins and the Compose files; all problems at once."""
    session.allow_dirty = session.allow_dirty or allow_dirty
    # It never had another output, and those who ask for JSON globally go on getting its text.
    workflow = session.workflow() if session.form("json", "github", own=output) == "github" else None
    with workflow.ended_by_errors() if workflow else nullcontext():
        wiring = session.wiring(*environments)
        errors, good = _checked(wiring)
    if workflow:
        return _tell(workflow, wiring, session, errors, good)
    from reconciler.interface.render.errors_text import error_text

    for error in errors:
        click.echo(error_text(error, session.style), err=True)
    if good and not session.quiet:
        click.echo("\n".join(good))
    return exit_codes.worst(exit_codes.of_error(error) for error in errors)


def _checked(wiring: Wiring) -> tuple[list[Invalid], list[str]]:
    """What is wrong, and a sentence about each environment that is not."""
    errors: list[Invalid] = []
    good: list[str] = []
    for environment in wiring.environments():
        try:
            desired = wiring.desired.read(environment).desired
        except Invalid as error:
            errors.append(error)
            continue
        pinned = sum(service.pinned for service in desired.services)
        good.append(f"{environment.name}: {len(desired.services)} services, {pinned} pinned")
    return errors, good


def _tell(
    workflow: Workflow, wiring: Wiring, session: Session, errors: Sequence[Invalid], good: Sequence[str]
) -> int:
    """The same for a step of a workflow."""
    from reconciler.domain.foreign import text_of
    from reconciler.interface.cli.workflow import Outputs
    from reconciler.interface.render.errors_text import error_text
    from reconciler.interface.render.github_annotations import of_error
    from reconciler.interface.render.report_markdown import error_blocks

    code = exit_codes.worst(exit_codes.of_error(error) for error in errors)
    workflow.show("check", "\n".join([*(error_text(error, session.style) for error in errors), *good]))
    annotations = [annotation for error in errors for annotation in of_error(error)]
    blocks = [block for error in errors for block in error_blocks(error)]
    told = Outputs(changed=False, result=str(Result.FAILED if errors else Result.NO_OP), code=code)
    workflow.end(annotations, [*blocks, *map(text_of, good)], told, wiring.repository.top)
    return code
