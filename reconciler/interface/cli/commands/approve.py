"""``reconcile approve ENV``: approve the release of a protected environment, in a commit."""

from __future__ import annotations

import click

from reconciler.app.approval import Approvals
from reconciler.domain.foreign import foreign
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session


@click.command("approve")
@click.argument("environment")
@click.option("-m", "--message", "reason", default="", metavar="TEXT", help="Why; kept in the commit.")
@click.option("--push", is_flag=True, help="Commit on top of the remote branch, and push.")
@click.pass_obj
def command(session: Session, environment: str, *, reason: str, push: bool) -> int:
    """Approve what ENVIRONMENT pins now, in a commit that changes nothing.

    It approves this content: another pin, or a change of the Compose files, needs an approval of its own.
    """
    wiring = session.wiring(environment)
    (chosen,) = [e for e in wiring.environments() if e.name == environment]
    branch = wiring.push_branch() if push else ""
    revision = Approvals(wiring.desired).approve(chosen, reason=reason, push=branch)
    where = f"pushed to {foreign(branch)}" if branch else "not pushed"
    click.echo(f"commit {revision.commit[:7]} {foreign(revision.subject)} ({where})")
    return exit_codes.OK
