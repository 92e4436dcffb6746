"""Durations and moments as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

import click


class Duration(click.ParamType[float]):
    """``90m``, ``2h``, ``3d``: seconds above zero."""

    name = "duration"

    def convert(
        self, value: object, parameter: click.Parameter | None, context: click.Context | None
    ) -> float:
        """The seconds."""
        from reconciler.adapters.state_files.quantities import seconds

        try:
            found = seconds(str(value))
        except ValueError:
            found = 0.0
        if found <= 0:
            self.fail(f"{value!r} is not a duration such as 90m, 2h or 3d", parameter, context)
        return found


class Moment(click.ParamType[datetime]):
    """``2026-11-27T18:00Z``, or with an offset: a moment in UTC."""

    name = "moment"

    def convert(
        self, value: object, parameter: click.Parameter | None, context: click.Context | None
    ) -> datetime:
        """The moment. Without a zone it is refused: the server's is seldom the reader's."""
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a moment such as 2026-11-27T18:00Z", parameter, context)
        if found.tzinfo is None:
            self.fail(f"{value!r} has no time zone: add Z for UTC, or +01:00", parameter, context)
        return found.astimezone(UTC)
