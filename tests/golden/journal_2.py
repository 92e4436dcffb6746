"""What stands in `journal-2`, a journal in format 2. `python -m tests.golden.journal_2` wrote it, once.

It has all that `journal-1` has, and an outbox. Whoever changes the format adds a file of the new one, and
leaves this one as it is.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from reconciler.adapters.host_state import Place, SqliteOutbox
from reconciler.domain.events import Event, Kind
from reconciler.domain.outgoing import delivered, failed, given_up, sending
from reconciler.domain.severity import Severity
from reconciler.domain.told import Told
from tests.golden import journal_1
from tests.golden.journal_1 import AT, COMMIT, ENV, LATER, NEW, OLD, REJECTED

FILE = Path(__file__).with_name("journal-2")
INCIDENT = f"production/{REJECTED.id}"
STARTED = Event(
    f"{INCIDENT}/release-started",
    Kind.RELEASE_STARTED,
    "production",
    AT,
    Severity.LOW,
    "the release of web 1 → 2 in production has begun",
    INCIDENT,
    REJECTED.id,
    COMMIT,
    "web 2",
    "dev",
    (("web", OLD, NEW),),
)
BROKEN = Event(
    "production/failed/20260926T223100.000000Z",
    Kind.FAILED,
    "production",
    LATER,
    Severity.MEDIUM,
    "production could not be brought to what Git says",
    "production/20260926T223100.000000Z",
    reason="the engine does not answer",
)
TOLD = Told().after(STARTED, ["hook"]).after(BROKEN, ["hook", "chat"])


def write(folder: Path) -> Path:
    """Write such a journal with the present version of the program."""
    file = journal_1.write(folder)
    outbox = SqliteOutbox(Place(folder, "unix:///engine.sock"))
    outbox.put(ENV, STARTED, ["hook"])
    outbox.put(ENV, BROKEN, ["hook", "chat"])
    (first, second) = outbox.due(ENV, LATER)
    outbox.note(ENV, delivered(first, '{"id": 7}'))
    outbox.note(ENV, given_up(second, "410 Gone"))
    (third,) = outbox.due(ENV, LATER)
    outbox.note(ENV, failed(sending(third, LATER), LATER, "it does not answer"))
    outbox.close()
    return file


AGAIN_AT = LATER + timedelta(seconds=5)

if __name__ == "__main__":
    assert not FILE.exists(), "it is never written again"
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(write(Path(folder)), FILE)
