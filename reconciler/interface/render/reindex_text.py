"""What became of the indexes of a search server, for people."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.domain.foreign import foreign
from reconciler.domain.search import Rebuilt
from reconciler.interface.render.phrases import duration, listed
from reconciler.interface.render.style import Style, table


def reindex_text(environment: str, rebuilt: Sequence[Rebuilt], style: Style, *, back: bool) -> str:
    """A table of the indexes, and how to go back where that is possible.

    Args:
        environment: its name.
        rebuilt: what was done.
        style: how it looks.
        back: whether what was displaced serves again, and nothing was built.
    """
    name = foreign(environment, 40)
    done = "swapped back" if back else "filled again"
    rows = [("INDEX", "DOCUMENTS", "BEFORE", "TOOK", "DISPLACED"), *(_row(one) for one in rebuilt)]
    removed = [foreign(older) for one in rebuilt for older in one.removed]
    number = "1 index" if len(rebuilt) == 1 else f"{len(rebuilt)} indexes"
    lines = [f"{name}: {number} {done}", "", *table(rows, style)]
    if removed:
        lines += ["", f"Removed, as they were displaced earlier: {listed(removed)}"]
    lines += [f"  ! {foreign(one.note)}" for one in rebuilt if one.note]
    if any(one.displaced for one in rebuilt):
        lines += [
            "",
            f"What was displaced is kept. To let it serve again: reconcile reindex {name} --swap-back",
        ]
    return "\n".join(lines)


def _row(one: Rebuilt) -> tuple[str, ...]:
    before = "-" if one.before is None else str(one.before)
    displaced = foreign(one.displaced) if one.displaced else "-"
    return foreign(one.index), str(one.documents), before, duration(one.seconds), displaced
