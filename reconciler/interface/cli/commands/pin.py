"""``reconcile pin ENV SVC=REF…``: resolve the digest, change one scalar, commit."""

from __future__ import annotations

import click

from reconciler.app.release import Moved
from reconciler.domain.foreign import foreign
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session


@click.command("pin")
@click.argument("environment")
@click.argument("assignments", nargs=-1, required=True, metavar="SERVICE=REPOSITORY:TAG...")
@click.option(
    "-m", "--message", "reason", default="", metavar="TEXT", help="Why; becomes part of the commit."
)
@click.option("--push", is_flag=True, help="Commit on top of the remote branch, and push.")
@click.pass_obj
def command(
    session: Session, environment: str, assignments: tuple[str, ...], *, reason: str, push: bool
) -> int:
    """Pin images by the digests that their tags have at the registry now, and commit.

    SERVICE=:TAG takes another tag of the repository that is pinned already.
    """
    asked = dict(_split(assignment) for assignment in assignments)
    wiring = session.wiring(environment)
    (chosen,) = [e for e in wiring.environments() if e.name == environment]
    pins = wiring.pins
    branch = wiring.push_branch() if push else ""
    moved = pins.pin(chosen, pins.resolve(chosen, asked), reason=reason, push=branch)
    click.echo(moved_text(moved))
    return exit_codes.OK


def moved_text(moved: Moved) -> str:
    """What a commit moved, one line per pin."""
    lines = [f"{foreign(str(move))}" for move in moved.moves]
    where = f"pushed to {foreign(moved.pushed)}" if moved.pushed else "not pushed"
    return "\n".join([*lines, f"commit {moved.revision.commit[:7]} {foreign(moved.subject)} ({where})"])


def _split(assignment: str) -> tuple[str, str]:
    service, equals, reference = assignment.partition("=")
    if not equals or not service or not reference:
        raise click.UsageError(f"{assignment!r} is not SERVICE=REPOSITORY:TAG")
    return service, reference
