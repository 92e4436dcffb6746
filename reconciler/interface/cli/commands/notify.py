"""``reconcile notify [ENV]``: what people are still to be told; ``notify test CHANNEL``: try one channel."""

from __future__ import annotations

import time

import click

from reconciler.domain.by_hand import trial_event
from reconciler.domain.channels import Channel
from reconciler.domain.environment import Environment
from reconciler.domain.foreign import foreign
from reconciler.errors import Refused
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.person import person
from reconciler.interface.cli.session import Session
from reconciler.interface.render.phrases import listed, response_time
from reconciler.interface.wiring import Wiring

TEST = "test"


@click.command("notify")
@click.argument("environments", nargs=-1, metavar="[ENV]... | test CHANNEL")
@click.pass_obj
def command(session: Session, environments: tuple[str, ...]) -> int:
    """What people are still to be told, and why it did not arrive.

    ``notify test CHANNEL -e ENV`` sends a message that says that it is a test. Exit 69 when the channel does
    not answer, 1 when it refuses. An environment that is called "test" is named with -e.
    """
    session.form()
    if environments[:1] == (TEST,):
        return _test(session, environments[1:])
    wiring = session.wiring(*environments)
    from reconciler.interface.render.notices_text import notices_text

    waiting = {each.name: wiring.outbox(each).waiting(each) for each in wiring.environments()}
    click.echo(notices_text(waiting, wiring.clock.now(), session.style))
    return exit_codes.OK


def _test(session: Session, words: tuple[str, ...]) -> int:
    if len(words) != 1:
        raise click.UsageError("notify test CHANNEL: name one channel")
    wiring = session.wiring()
    for environment, channel in _called(wiring.environments(), words[0]):
        _send(wiring, environment, channel)
    return exit_codes.OK


def _called(environments: tuple[Environment, ...], name: str) -> list[tuple[Environment, Channel]]:
    """The channels of this name.

    Raises:
        Refused: there is none.
    """
    every = [(each, channel) for each in environments for channel in each.notify.channels]
    found = [(each, channel) for each, channel in every if channel.name == name]
    if not found:
        names = listed(list(dict.fromkeys(channel.name for _, channel in every)))
        raise Refused(
            f"there is no channel {name!r} in reconcile.yaml",
            hint=f"There are: {names}" if names else "docs/notifications.md says how to write one",
        )
    return found


def _send(wiring: Wiring, environment: Environment, channel: Channel) -> None:
    """Send one message, past the outbox.

    Raises:
        NoticeUnreachable, NoticeRefused: it did not arrive.
    """
    who = person(wiring.repository, wiring.settings.environ)
    event = trial_event(environment.name, wiring.clock.now(), who)
    began = time.monotonic()
    wiring.notifier(environment, channel).deliver(event, (), again=False)
    took = response_time(time.monotonic() - began)
    click.echo(f"{foreign(environment.name)}: {foreign(channel.name)} took a test message in {took}")
