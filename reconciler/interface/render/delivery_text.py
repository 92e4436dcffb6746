"""The figures of ``history --stats``: a line for people, a table in Markdown, and as data."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.domain.delivery import Delivery
from reconciler.domain.foreign import foreign, markdown_cell
from reconciler.interface.render.json_values import Object, rounded, utc
from reconciler.interface.render.phrases import duration

_COLUMNS = (
    *("Environment", "Since", "Releases", "Per week", "Rolled back", "Change failure rate"),
    *("Time to restore", "Lead time"),
)


def delivery_text(figures: Mapping[str, Delivery]) -> str:
    """One line per environment, which is named where there are several."""
    lines = []
    for name, one in figures.items():
        said = " · ".join(
            (
                f"releases {one.releases} ({one.weekly:.1f}/week)",
                f"change failure rate {_share(one.failure_rate)} ({one.failed})",
                f"time to restore {_span(one.time_to_restore)} median",
                f"lead time {_span(one.lead_time)} median (commit → good)",
            )
        )
        lines.append(f"{foreign(name, 40)}: {said}" if len(figures) > 1 else said)
    return "\n".join(lines)


def delivery_table(figures: Mapping[str, Delivery]) -> str:
    """The same as a table in Markdown."""
    head = [f"| {' | '.join(_COLUMNS)} |", f"|{'|'.join('-' * (len(name) + 2) for name in _COLUMNS)}|"]
    return "\n".join([*head, *(_row(name, one) for name, one in figures.items())])


def delivery_object(one: Delivery) -> Object:
    """The same as data."""
    restore, lead = one.time_to_restore, one.lead_time
    return {
        "since": utc(one.since),
        "until": utc(one.until),
        "releases": one.releases,
        "releases_per_week": round(one.weekly, 2),
        "rolled_back": one.failed,
        "change_failure_rate": None if one.failure_rate is None else round(one.failure_rate, 4),
        "time_to_restore_seconds": None if restore is None else rounded(restore),
        "lead_time_seconds": None if lead is None else rounded(lead),
    }


def _row(name: str, one: Delivery) -> str:
    cells = (
        *(name, f"{one.since:%Y-%m-%d}", str(one.releases), f"{one.weekly:.1f}", str(one.failed)),
        *(_share(one.failure_rate), _span(one.time_to_restore), _span(one.lead_time)),
    )
    return f"| {' | '.join(markdown_cell(cell) for cell in cells)} |"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _span(seconds: float | None) -> str:
    return "-" if seconds is None else duration(seconds)
