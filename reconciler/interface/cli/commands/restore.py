"""``reconcile restore ENV couchdb``: bring the databases of an environment back to a backup."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial

import click

from reconciler.app.by_hand import let_go_back
from reconciler.app.converge import Reconciler
from reconciler.app.one_restore import STORE
from reconciler.app.restore import followed, restore_alone
from reconciler.domain.by_hand import restored_event
from reconciler.domain.restoring import Ending, Restored
from reconciler.domain.severity import Verdict
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.person import person
from reconciler.interface.cli.session import Session
from reconciler.interface.cli.telling import tell


@click.command("restore")
@click.argument("environment")
@click.argument("store", type=click.Choice([STORE]))
@click.option(
    "--backup", "wanted", default="", metavar="STAMP", help="Which; usually the newest. Or its name."
)
@click.option("--plan", "planning", is_flag=True, help="What would change and be lost; touches nothing.")
@click.option("--yes", is_flag=True, help="Do it without being asked again.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), help="Instead of the global one.")
@click.pass_obj
def command(
    session: Session,
    environment: str,
    store: str,
    *,
    wanted: str,
    planning: bool,
    yes: bool,
    output: str | None,
) -> int:
    """Bring the databases of ENVIRONMENT back to exactly what a backup says.

    What was written since is lost to the application: how much that is, is said before anything is done. The
    present state is backed up first, and what is taken away is exported. What writes to the databases is
    stopped meanwhile. Interrupted, run it again: it goes on.
    """
    del store  # the only one there is
    from reconciler.interface.render.json_data import restore_plan_object, restored_object
    from reconciler.interface.render.json_document import restore_document
    from reconciler.interface.render.restore_text import restore_plan_text, restored_text

    form = session.form("json", own=output)
    if planning and yes:
        raise click.UsageError("--plan touches nothing: leave one of --plan and --yes out")
    wiring = session.wiring(environment)
    (chosen,) = [e for e in wiring.environments() if e.name == environment]
    reconciler, who = wiring.reconciler(chosen), person(wiring.repository, wiring.settings.environ)
    restore = wiring.data.restore(chosen, who)
    restore = replace(restore, told=partial(let_go_back, reconciler))
    found, differences = restore.plan(reconciler.host, wanted)
    writers = chosen.data.writers(STORE)
    text = restore_plan_text(environment, found, differences, writers, session.style)
    if planning:
        json = restore_document(environment, restore_plan_object(found, differences), None, exit_codes.OK)
        click.echo(json if form == "json" else text)
        return exit_codes.OK
    if not yes:
        _confirm(text)
    with session.acting():
        restored = restore_alone(reconciler, restore, found.stamp if found.standing is None else wanted)
    back = exit_codes.OK
    if restored.going:
        back = _taken_back(session, reconciler)
        if back == exit_codes.OK:  # else the same command goes on from here
            with session.acting():
                restored = followed(reconciler, restore, restored)
    code = exit_codes.worst([code_of(restored), back])
    if form == "json":
        click.echo(restore_document(environment, restored_object(restored), restored, code))
    else:
        click.echo(restored_text(restored, session.style))
    tell(wiring, chosen, restored_event(restored, wiring.clock.now(), who))
    return code


def _taken_back(session: Session, reconciler: Reconciler) -> int:
    """A rejected release was kept for want of these data: one pass takes it back; it is told of on stderr."""
    from reconciler.interface.render.report_text import report_text

    with session.acting():
        report = reconciler.run_once()
    click.echo(report_text(report, session.style), err=True)
    return exit_codes.of_report(report)


def _confirm(text: str) -> None:
    """Show what is about to happen, and have a person say yes to it.

    Raises:
        click.UsageError: there is nobody to ask.
        click.Abort: the answer is no.
    """
    if not sys.stdin.isatty():
        raise click.UsageError(
            "a restore takes away what was written since: confirm it with --yes, or look with --plan"
        )
    click.echo(text, err=True)
    click.confirm("Take this away, and go back?", abort=True, err=True)


def code_of(restored: Restored) -> int:
    """The exit code of a restore: degraded where the data are half done, or the checks fail with them."""
    if restored.ending is Ending.HALF:
        return exit_codes.DEGRADED
    if restored.error is not None:
        return exit_codes.of_error(restored.error)
    judgement = restored.judgement
    failed = judgement is not None and judgement.verdict is Verdict.FAIL
    return exit_codes.DEGRADED if failed else exit_codes.OK
