"""What people hold an environment with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from reconciler.domain.brakes import Freeze, Pause, Window
from reconciler.domain.environment import Environment


class Pauses(Protocol):
    """Pauses, kept on the engine: they hold for everybody who acts on it, from whatever host."""

    def pause(self, environment: Environment) -> Pause | None:
        """The pause of an environment, whether or not it has ended by now; None where there is none.

        Raises:
            EngineUnreachable, PermissionRefused.
        """

    def begin(self, environment: Environment, pause: Pause) -> None:
        """Pause an environment; an earlier pause is replaced.

        Raises:
            EngineUnreachable, EngineFailed, PermissionRefused.
        """

    def end(self, environment: Environment) -> Pause | None:
        """End the pause of an environment, and return it; None where there was none.

        Raises:
            EngineUnreachable, EngineFailed, PermissionRefused.
        """


class Calendar(Protocol):
    """Knows when the windows of a calendar are open."""

    def frozen(self, windows: Sequence[Window], at: datetime) -> Freeze | None:
        """The open window that closes last; None where all are closed.

        Args:
            windows: those of an environment.
            at: when, in UTC.
        """
