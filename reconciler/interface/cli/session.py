"""What a command gets from the command line around it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import TYPE_CHECKING

import click

from reconciler.domain.report import Step
from reconciler.interface.cli import exit_codes
from reconciler.interface.settings import Settings
from reconciler.interface.wiring import Wiring

if TYPE_CHECKING:
    from reconciler.interface.render.style import Style

CODES = {signal.SIGINT: exit_codes.INTERRUPTED, signal.SIGTERM: exit_codes.TERMINATED}


@dataclass(slots=True)
class Interruption:
    """Remembers that the run is to end. A pass asks for it where ending is safe.

    Outside of a pass there is nothing to undo, and the first signal ends the program.
    """

    code: int = 0
    guarded: bool = False

    def caught(self, number: int, _frame: FrameType | None) -> None:
        """The signal handler."""
        self.code = CODES.get(signal.Signals(number), exit_codes.INTERRUPTED)
        if not self.guarded:
            raise KeyboardInterrupt


@dataclass(slots=True)
class Session:
    """One run of the command line.

    ``read_settings`` is called late: ``init`` and ``--help`` need no ``reconcile.yaml``.
    """

    read_settings: Callable[[], Settings]
    output: str
    color: bool
    named: str | None
    strict: bool = False
    allow_dirty: bool = False
    quiet: bool = False
    interruption: Interruption = field(default_factory=Interruption)

    def wiring(self, *environments: str) -> Wiring:
        """The program's parts; ``environments`` named by a command are added to those of ``-e``."""
        settings = self.read_settings()
        chosen = tuple(dict.fromkeys((*settings.environments, *environments)))
        allow_dirty = settings.allow_dirty or self.allow_dirty
        settings = replace(settings, environments=chosen, allow_dirty=allow_dirty)
        return Wiring(
            settings, progress=self._progress(settings), interrupted=lambda: bool(self.interruption.code)
        )

    @property
    def style(self) -> Style:
        """How text on stdout looks."""
        from reconciler.interface.render.style import Style

        return Style(color=self.color)

    def _progress(self, settings: Settings) -> Callable[[str, Step], None]:
        """One line on stderr for each finished step."""
        if settings.quiet:
            return lambda _environment, _step: None
        from reconciler.interface.render.report_text import step_line
        from reconciler.interface.render.style import Style

        style = Style(color=self.color and sys.stderr.isatty())
        return lambda environment, step: click.echo(step_line(environment, step, style), err=True)
