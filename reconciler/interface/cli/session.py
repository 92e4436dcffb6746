"""What a command gets from the command line around it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from reconciler.interface.cli import exit_codes
from reconciler.interface.settings import Settings
from reconciler.interface.wiring import Wiring

if TYPE_CHECKING:
    from reconciler.interface.cli.workflow import Workflow
    from reconciler.interface.render.live import Rows
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

    ``read_settings`` is called late: ``init`` and ``--help`` need no ``reconcile.yaml``. It is given the
    state folder where that is not to be looked for. ``output`` is the format that was asked for, empty where
    none was.
    """

    read_settings: Callable[[Path | None], Settings]
    output: str
    color: bool
    named: str | None
    chosen: tuple[str, ...] = ()
    strict: bool = False
    allow_dirty: bool = False
    approved: bool = False
    quiet: bool = False
    verbose: bool = False
    interruption: Interruption = field(default_factory=Interruption)
    _rows: Rows | None = None

    def form(self, *known: str, own: str | None = None) -> str:
        """The format in which a command prints.

        Args:
            known: those that it has, besides text.
            own: the command's own option, which wins over the global one.

        Raises:
            click.UsageError: it has none like the one that was asked for.
        """
        wanted = own or self.output
        if not wanted:
            automatic = "github" in known and os.environ.get("GITHUB_ACTIONS") == "true"
            return "github" if automatic else "text"
        if wanted not in ("text", *known):
            there = ", ".join(("text", *known))
            raise click.UsageError(f"this command has no output {wanted!r}; it has {there}")
        return wanted

    def workflow(self) -> Workflow:
        """This run as a step of a GitHub workflow."""
        from reconciler.interface.cli.workflow import Workflow

        return Workflow(os.environ)

    def wiring(
        self,
        *environments: str,
        attended: bool = False,
        rows: Rows | None = None,
        folder: Path | None = None,
    ) -> Wiring:
        """The program's parts.

        Args:
            environments: named by a command; they are added to those of ``-e``.
            attended: whether the command stays, and so is there when a delayed rollback is due.
            rows: shows the progress instead of ``rows``.
            folder: the state folder, where it is not to be looked for.
        """
        settings = self.read_settings(folder)
        chosen = tuple(dict.fromkeys((*settings.environments, *environments)))
        allow_dirty = settings.allow_dirty or self.allow_dirty
        observe = settings.observe or attended
        settings = replace(
            settings,
            environments=chosen,
            allow_dirty=allow_dirty,
            observe=observe,
            approved=settings.approved or self.approved,
        )
        return Wiring(settings, rows=rows or self.rows, interrupted=lambda: bool(self.interruption.code))

    @property
    def rows(self) -> Rows:
        """What shows progress on stderr."""
        if self._rows is None:
            from reconciler.adapters.clock import SystemClock
            from reconciler.interface.render.live import Silence, rows_for
            from reconciler.interface.render.style import Style

            style = Style(color=self.color and sys.stderr.isatty())
            clock = SystemClock()
            self._rows = Silence() if self.quiet else rows_for(sys.stderr, style, clock, os.environ)
        return self._rows

    @contextmanager
    def acting(self) -> Iterator[None]:
        """While something is done: progress is shown, and a signal ends it where ending is safe."""
        from reconciler.interface.render.live import ticking

        with self.guarded(), ticking(self.rows):
            yield

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """While a signal ends what is done where ending is safe, and not at once."""
        self.interruption.guarded = True
        try:
            yield
        finally:
            self.interruption.guarded = False

    @property
    def style(self) -> Style:
        """How text on stdout looks."""
        from reconciler.interface.render.style import Style

        return Style(color=self.color)
