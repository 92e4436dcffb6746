"""``reconcile unblock ENV [SVC…]``: let pins that failed here be tried again."""

from __future__ import annotations

from collections.abc import Sequence

import click

from reconciler.app.looking import blocks_in_git
from reconciler.domain.blocking import Block, same_pin
from reconciler.domain.environment import Environment
from reconciler.domain.foreign import foreign
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session
from reconciler.interface.render.phrases import short_image
from reconciler.interface.wiring import Wiring
from reconciler.ports import Journal


@click.command("unblock")
@click.argument("environment")
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.pass_obj
def command(session: Session, environment: str, services: tuple[str, ...]) -> int:
    """Lift the blocks of ENVIRONMENT, all or those of the named services; the next pass tries them again.

    Exit 1 when nothing was blocked.
    """
    wiring = session.wiring(environment)
    (chosen,) = [e for e in wiring.environments() if e.name == environment]
    journal = wiring.journal(chosen)
    told = _pinned_and_told_by_git(wiring, chosen, journal, services)
    # The commit may be dated by a clock that is ahead of ours: what was seen of it is lifted all the same.
    at = max([wiring.clock.now(), *(block.at for block in told)])
    lifted = [*journal.unblock(chosen, services, at), *told]
    seen = {(block.service, block.image): block for block in reversed(lifted)}
    for block in sorted(seen.values(), key=lambda block: (block.service, block.image)):
        click.echo(_line(block))
    for service in [name for name in services if name not in {block.service for block in lifted}]:
        click.echo(f"{foreign(service)} was not blocked", err=True)
    if not lifted:
        click.echo(f"Nothing was blocked in {foreign(chosen.name)}.")
        return exit_codes.FAILED
    click.echo(f"next: reconcile --once -e {foreign(chosen.name)}")
    return exit_codes.OK


def _pinned_and_told_by_git(
    wiring: Wiring, environment: Environment, journal: Journal, services: Sequence[str]
) -> list[Block]:
    """What only commits say is blocked: where the journal was lost, or another host rejected it.

    Of all that was ever rejected, only what is pinned now can be tried again.
    """
    repository, path = wiring.repository, wiring.desired.path(environment.pins)
    text = repository.read(repository.head(), path)
    pinned = {pin.service: str(pin.image) for pin in wiring.state_files.pins(text, path)}
    return [
        block
        for block in blocks_in_git(environment, wiring.desired, journal)
        if same_pin(pinned.get(block.service, ""), block.image)
        if not services or block.service in services
    ]


def _line(block: Block) -> str:
    """One lifted block, and why it was there."""
    run = f" in run {foreign(block.run, 40)}" if block.run else ""
    reason = f": {foreign(block.reason, 200)}" if block.reason else ""
    return f"unblocked: {foreign(block.service, 40)} {short_image(block.image)}, rejected{run}{reason}"
