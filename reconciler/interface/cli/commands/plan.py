"""``reconcile plan [ENV]``: what would change, and why."""

from __future__ import annotations

import click

from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.look import Looked, looked
from reconciler.interface.cli.session import Session


@click.command("plan")
@click.argument("environments", nargs=-1, metavar="[ENV]...")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are differences.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), help="Instead of the global one.")
@click.pass_obj
def command(
    session: Session, environments: tuple[str, ...], *, detailed_exitcode: bool, output: str | None
) -> int:
    """What a pass would change, and why. Touches nothing."""
    wiring = session.wiring(*environments)
    looks = looked([wiring.reconciler(environment) for environment in wiring.environments()])
    codes = [_code(one, detailed=detailed_exitcode) for one in looks]
    if (output or session.output) == "json":
        from reconciler.interface.render.json_document import plan_document

        click.echo(plan_document(zip((one.status for one in looks), codes, strict=True)))
    else:
        _print(session, looks)
    return exit_codes.worst(codes)


def _code(one: Looked, *, detailed: bool) -> int:
    if one.look is None or one.look.plan.empty or not detailed:
        return one.code
    return exit_codes.DIFFERENCES


def _print(session: Session, looks: list[Looked]) -> None:
    """Plans on stdout; what could not be planned, and why, on stderr."""
    from reconciler.interface.render.errors_text import error_text
    from reconciler.interface.render.plan_text import plan_text

    for one in looks:
        if one.status.error is not None:
            click.echo(error_text(one.status.error, session.style), err=True)
        if one.look is not None:
            look, desired = one.look, one.look.desired
            path = look.source.pins_path
            text = plan_text(
                desired.environment, desired.revision, look.plan, look.observed, session.style, path
            )
            click.echo(text)
