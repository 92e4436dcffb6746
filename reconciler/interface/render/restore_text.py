"""What a restore would do, and what came of one, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.app.choosing import Chosen
from reconciler.domain.foreign import foreign
from reconciler.domain.restoring import Difference, Ending, Restored, newest_stamp
from reconciler.domain.severity import Verdict
from reconciler.interface.render.errors_text import error_text
from reconciler.interface.render.phrases import count, duration, listed
from reconciler.interface.render.style import Style, Tone
from reconciler.interface.render.undo_text import clock_time


def restore_plan_text(
    environment: str, chosen: Chosen, differences: Iterable[Difference], writers: Sequence[str], style: Style
) -> str:
    """What would change, come back and be lost; and what stands still meanwhile."""
    name = foreign(environment, 40)
    lines = [f"{name}: its data go back to {chosen.stamp}"]
    if not chosen.untouched:
        lines.append(style.paint("  a restore is half done: this goes on with it", Tone.WATCH))
    for one in differences:
        lines += _difference(one, chosen, style)
    stopped = (
        f"stopped meanwhile: {listed([foreign(writer, 40) for writer in writers])}"
        if writers
        else ("no service says that it uses couchdb: none is stopped meanwhile")
    )
    return "\n".join([*lines, f"  {stopped}"])


def restored_text(restored: Restored, style: Style) -> str:
    """What the data are now, what was kept, and what went wrong."""
    name = foreign(restored.environment, 40)
    lines = [f"{name}: {_ending(restored, style)}"]
    if restored.done:
        lines += [f"  {_counts(one)}" for one in restored.differences]
    if restored.present:
        stamp = newest_stamp(restored.present)
        lines.append(f"  before it is kept: reconcile restore {name} couchdb --backup {stamp}")
    lines += [f"  written since, and taken away: {foreign(path)}" for path in restored.exports]
    if restored.going:
        going = listed([foreign(service, 40) for service in restored.going])
        lines.append(f"  not started again: {going}; what was rejected goes back after its data")
    if restored.judgement is not None:
        good = restored.judgement.verdict is Verdict.PASS
        said = f"  checks: {restored.judgement.verdict}"
        said += "" if good else f": {foreign(restored.judgement.reason)}"
        lines.append(style.paint(said, Tone.GOOD if good else Tone.BAD))
    lines += [style.paint(f"  note: {foreign(note)}", Tone.WATCH) for note in restored.notes]
    if restored.error is not None:
        lines.append(error_text(restored.error, style))
    return "\n".join(lines)


def _difference(one: Difference, chosen: Chosen, style: Style) -> Iterator[str]:
    backup = chosen.backups[one.database]
    moment = "" if backup.point_in_time else ", not of one moment"
    yield f"  {_counts(one)}"
    yield f"    from {foreign(one.backup, 90)}, taken {clock_time(backup.taken_at)}{moment}"
    lost = one.changes + one.goes
    if lost:
        more = f" and {lost - len(one.lost)} more" if lost > len(one.lost) else ""
        shown = ", ".join(foreign(document, 60) for document in one.lost)
        said = f"    written since, and lost with it: {count(lost, 'document')}: {shown}{more}"
        yield style.paint(said, Tone.BAD)


def _counts(one: Difference) -> str:
    changes = f"{count(one.changes, 'document')} {'changes' if one.changes == 1 else 'change'}"
    comes = "comes" if one.returns == 1 else "come"
    return f"{foreign(one.database, 60)}: {changes}, {one.returns} {comes} back, {one.goes} added since go"


def _ending(restored: Restored, style: Style) -> str:
    took = duration(restored.seconds)
    match restored.ending:
        case Ending.RESTORED if not restored.done:
            return f"its data are what they are in {restored.backup}: nothing was done"
        case Ending.RESTORED:
            return style.paint(f"restored: its data are those of {restored.backup}, in {took}", Tone.GOOD)
        case Ending.UNTOUCHED:
            return style.paint("not restored: its data are what they were", Tone.BAD)
        case Ending.HALF:
            again = f"reconcile restore {foreign(restored.environment, 40)} couchdb"
            said = "half restored, and what writes to it is stopped. To go on, run it again"
            return style.paint(f"{said}: {again}", Tone.BAD)
