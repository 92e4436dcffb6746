"""Events and messages in the journal's tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.adapters.host_state import codec, event_codec
from reconciler.domain.events import Delivery, Event, Message
from reconciler.domain.outgoing import MOST_WAITING, speaking_for, weight
from reconciler.domain.told import Told

if TYPE_CHECKING:
    from sqlite3 import Connection

    Row = tuple[int, str, str, str, str]

MOST_KEPT = 500
"""How many events back those are kept that wait for nobody: incidents that go on need their receipts, and
their keys tell what was told already."""

_MESSAGES = (
    "SELECT number, channel, state, event.data, message.data "
    "FROM message JOIN event ON event.sequence = message.event "
)
_UNDELIVERED = f"state IN ('{Delivery.WAITING}', '{Delivery.SENDING}')"


def there(db: Connection) -> bool:
    """Whether the journal has such tables: one of format 1, which was not written to since, has none."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'message'").fetchone() is not None


def told(db: Connection) -> Told:
    """What people were told last."""
    found = db.execute("SELECT data FROM told").fetchone() if there(db) else None
    return codec.decoded(event_codec.told_from, found[0]) if found else Told()


def put(db: Connection, event: Event, channels: Sequence[str]) -> None:
    """Keep an event for some channels, unless its key is known."""
    channels = list(dict.fromkeys(channels))
    values = (event.key, event.incident, codec.encoded(event_codec.event_object(event)))
    added = db.execute("INSERT OR IGNORE INTO event (key, incident, data) VALUES (?, ?, ?)", values)
    if not added.rowcount:
        return
    put_for = [(added.lastrowid, channel, Delivery.WAITING, weight(event.severity)) for channel in channels]
    db.executemany(
        "INSERT INTO message (event, channel, state, weight, data) VALUES (?, ?, ?, ?, '{}')", put_for
    )
    now = codec.encoded(event_codec.told_object(told(db).after(event, channels)))
    db.execute("INSERT OR REPLACE INTO told VALUES (1, ?)", (now,))
    for channel in channels:
        _bound(db, channel)
    _prune(db)


def due(db: Connection, at: datetime) -> tuple[Message, ...]:
    """The first undelivered message of each channel, where it is time."""
    first = f"SELECT min(number) FROM message WHERE {_UNDELIVERED} GROUP BY channel"  # noqa: S608
    found = _read(db, f"WHERE number IN ({first}) ORDER BY number")
    return tuple(one for one in found if one.again_at is None or one.again_at <= at)


def note(db: Connection, message: Message) -> None:
    """Write down how far a message has come."""
    data = codec.encoded(event_codec.way_object(message))
    db.execute(
        "UPDATE message SET state = ?, data = ? WHERE number = ?", (message.state, data, message.number)
    )


def receipts(db: Connection, channel: str, incident: str) -> tuple[Message, ...]:
    """What was delivered to a channel about an incident."""
    found = _read(
        db,
        f"WHERE channel = ? AND incident = ? AND state = '{Delivery.DELIVERED}' ORDER BY number",
        (channel, incident),
    )
    return found if incident else ()


def waiting(db: Connection) -> tuple[Message, ...]:
    """What is not delivered, and what was given up."""
    return _read(db, f"WHERE state != '{Delivery.DELIVERED}' ORDER BY number")


def _bound(db: Connection, channel: str) -> None:
    """The rule of ``left_out``, asked of the database: to read a thousand messages would take too long."""
    where = f"channel = ? AND {_UNDELIVERED}"
    count = f"SELECT count(*), max(number) FROM message WHERE {where}"  # noqa: S608
    waiting, last = db.execute(count, (channel,)).fetchone()
    if waiting <= MOST_WAITING:
        return
    gone = _read(
        db,
        f"WHERE channel = ? AND state = '{Delivery.WAITING}' AND number < ? ORDER BY weight, number LIMIT 1",
        (channel, last),
    )
    for one in gone:
        (next_one,) = _read(
            db, f"WHERE {where} AND number > ? ORDER BY number LIMIT 1", (channel, one.number)
        )
        db.execute("DELETE FROM message WHERE number = ?", (one.number,))
        note(db, speaking_for(next_one, one))


def _prune(db: Connection) -> None:
    """Drop events that wait for nobody, by the order of writing."""
    oldest = "(SELECT sequence FROM event ORDER BY sequence DESC LIMIT 1 OFFSET ?)"
    busy = f"(SELECT event FROM message WHERE {_UNDELIVERED})"  # noqa: S608
    db.execute(f"DELETE FROM event WHERE sequence <= {oldest} AND sequence NOT IN {busy}", (MOST_KEPT,))  # noqa: S608


def _read(db: Connection, where: str, values: Sequence[str | int] = ()) -> tuple[Message, ...]:
    if not there(db):
        return ()
    return tuple(_message(row) for row in db.execute(_MESSAGES + where, values))


def _message(row: Row) -> Message:
    number, channel, state, told_of, way = row
    event = codec.decoded(event_codec.event_from, told_of)
    return codec.decoded(
        lambda written: event_codec.message_from(written, number, channel, event, state), way
    )
