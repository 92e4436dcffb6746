"""``reconcile watch``: the same pass on every trigger, until somebody says stop."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session
from reconciler.interface.service.log_line import Form, Level
from reconciler.interface.settings import WATCH_FILE, state_directory

if TYPE_CHECKING:
    from reconciler.interface.service.log_lines import LogLines


@dataclass(slots=True)
class Hangup:
    """Remembers SIGHUP until it is asked for."""

    answered: Callable[[], None]
    caught: bool = False

    def catch(self, _number: int, _frame: FrameType | None) -> None:
        """The signal handler: it may interrupt anything, so it does no more than this."""
        self.caught = True

    def taken(self) -> bool:
        """Whether there was one since this was asked last."""
        caught, self.caught = self.caught, False
        if caught:
            self.answered()
        return caught


@click.command("watch")
@click.argument("environments", nargs=-1, metavar="[ENV]...")
@click.option(
    "--interval",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="How often to look though nothing was heard; default 60.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"How the daemon runs on this host; default {WATCH_FILE}, where that is.",
)
@click.option(
    "--log-format",
    type=click.Choice([form.value for form in Form]),
    default=Form.TEXT.value,
    show_default=True,
    help="How the lines on stderr are written.",
)
@click.option(
    "--log-level",
    type=click.Choice([level.name.lower() for level in Level]),
    default=Level.INFO.name.lower(),
    show_default=True,
    help="Lines that matter less are left out.",
)
@click.option("--alive", is_flag=True, help="Exit 0 if a daemon for the same environments runs here, else 1.")
@click.option("--tell", "telling", is_flag=True, help="With --alive: tell the channels when none does.")
@click.pass_obj
def command(
    session: Session,
    environments: tuple[str, ...],
    *,
    interval: float | None,
    config: Path | None,
    log_format: str,
    log_level: str,
    alive: bool,
    telling: bool,
) -> int:
    """Keep environments as Git wants them: on commits, drift, engine restarts, and whenever it is time.

    SIGTERM and SIGINT finish or undo the step in hand, and end it. SIGHUP looks at everything at once.
    """
    if telling and not alive:
        raise click.UsageError("--tell goes with --alive")
    if alive:
        code = _alive((*session.chosen, *environments))
        if telling and code != exit_codes.OK:
            _tell_of_silence(session, environments)
        return code
    from reconciler.adapters.clock import SystemClock
    from reconciler.interface.checkouts import Checkouts, OwnCheckout, cloned
    from reconciler.interface.service.heartbeat import Heartbeat, heartbeat_file, this_boot
    from reconciler.interface.service.log_lines import LogLines
    from reconciler.interface.service.sd_notify import ServiceManager
    from reconciler.interface.service.status_line import StatusLine
    from reconciler.interface.service.warnings_told import warnings_told
    from reconciler.interface.watch_settings import watching
    from reconciler.interface.watch_wiring import WatchWiring

    level = Level.DEBUG if session.verbose else Level[log_level.upper()]
    lines = LogLines(sys.stderr, Form(log_format), level, SystemClock(), os.environ)
    manager = ServiceManager.of(os.environ, os.getpid())
    log = StatusLine(manager, lines)
    watched = watching(config, interval, in_folder=session.named is not None)
    elsewhere = Path("/") if watched.repository else None
    wiring = session.wiring(*environments, attended=True, rows=lines, folder=elsewhere)
    checkouts: Checkouts = OwnCheckout(wiring)
    if watched.repository:
        checkouts = cloned(wiring, watched, watched.repository, log)
    parts = WatchWiring(wiring, checkouts, log, watched.interval_seconds)
    file = heartbeat_file(wiring.settings.state_directory, wiring.settings.environments)
    heartbeat = Heartbeat(
        manager, file, this_boot(), lambda: bool(session.interruption.code), lines.daemon_stopping
    )
    lines.daemon_started([] if watched.repository else parts.names(), str(watched.repository or ""))
    with session.guarded(), warnings_told(lines.warned), _hangups(lines, heartbeat.reloaded) as hangup:
        parts.watch(heartbeat.beat, heartbeat.ending, hangup.taken).run()
        heartbeat.stopping()
    heartbeat.ended()
    return exit_codes.OK


def _alive(environments: Sequence[str]) -> int:
    """Whether the loop of such a daemon turned within the last minute; asks neither Git nor the engine."""
    from reconciler.interface.service.heartbeat import (
        DEAD_SECONDS,
        heartbeat_file,
        silence_seconds,
        this_boot,
    )

    file = heartbeat_file(state_directory(os.environ, root=os.geteuid() == 0), environments)
    silence = silence_seconds(file, time.monotonic(), this_boot())
    if silence <= DEAD_SECONDS:
        click.echo(f"alive: its loop turned {silence:.1f}s ago")
        return exit_codes.OK
    click.echo(f"not alive: no sign of life within {DEAD_SECONDS:.0f}s in {file}", err=True)
    return exit_codes.FAILED


def _tell_of_silence(session: Session, environments: Sequence[str]) -> None:
    """Tell the channels of these environments that nobody looks after them; the same silence is told once."""
    from reconciler.domain.by_hand import silent_event
    from reconciler.interface.cli.telling import tell

    wiring = session.wiring(*environments)
    for environment in wiring.environments():
        tell(wiring, environment, silent_event(environment.name, wiring.clock.now()))


@contextmanager
def _hangups(lines: LogLines, reloaded: Callable[[], None]) -> Iterator[Hangup]:
    """Catch SIGHUP for a while."""

    def answered() -> None:
        lines.signal_caught("SIGHUP", "everything is looked at")
        reloaded()

    hangup = Hangup(answered)
    before = signal.signal(signal.SIGHUP, hangup.catch)
    try:
        yield hangup
    finally:
        signal.signal(signal.SIGHUP, before)
