"""Pins in the journal's tables: those that are blocked, and those that passed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.adapters.host_state import codec
from reconciler.adapters.host_state.damage import Damaged
from reconciler.domain.blocking import Block, Good, digest

if TYPE_CHECKING:
    from sqlite3 import Connection

MOST_GOOD = 100
"""How many good pins of each service are kept."""
EVERYTHING = ""
"""The name that stands for all services where the time of an unblocking is kept."""


def blocks(db: Connection) -> tuple[Block, ...]:
    """The blocks, newest first."""
    rows = db.execute("SELECT data FROM block ORDER BY sequence DESC")
    return tuple(codec.decoded(codec.block_from, data) for (data,) in rows)


def block(db: Connection, new: Sequence[Block]) -> None:
    """Put blocks in front; of the same service, digest and hash there is one."""
    db.executemany(
        "INSERT OR REPLACE INTO block (service, digest, config_hash, data) VALUES (?, ?, ?, ?)",
        [
            (one.service, digest(one.image), one.config_hash, codec.encoded(codec.block_object(one)))
            for one in reversed(new)
        ],
    )


def unblock(db: Connection, services: Sequence[str], at: datetime) -> tuple[Block, ...]:
    """Lift the blocks of ``services``, or all, and remember when that was."""
    lifted = tuple(one for one in blocks(db) if not services or one.service in services)
    db.executemany("DELETE FROM block WHERE service = ?", sorted({(one.service,) for one in lifted}))
    rows = [(name, codec.time_text(at)) for name in (services or [EVERYTHING])]
    db.executemany("INSERT OR REPLACE INTO unblocked VALUES (?, ?)", rows)
    return lifted


def unblocked(db: Connection) -> Mapping[str, datetime]:
    """When services were last unblocked."""
    try:
        return {name: codec.time_from(at) for name, at in db.execute("SELECT service, at FROM unblocked")}
    except ValueError as error:
        raise Damaged(str(error)) from error


def goods(db: Connection) -> tuple[Good, ...]:
    """The good pins, newest first."""
    rows = db.execute("SELECT data FROM good ORDER BY sequence DESC")
    return tuple(codec.decoded(codec.good_from, data) for (data,) in rows)


def note_good(db: Connection, new: Sequence[Good]) -> None:
    """Put good pins in front; of the same service, image and hash there is one."""
    db.executemany(
        "INSERT OR REPLACE INTO good (service, image, config_hash, data) VALUES (?, ?, ?, ?)",
        [
            (one.service, one.image, one.config_hash, codec.encoded(codec.good_object(one)))
            for one in reversed(new)
        ],
    )
    for service in {one.service for one in new}:
        db.execute(
            "DELETE FROM good WHERE service = ?1 AND sequence <= "
            "(SELECT sequence FROM good WHERE service = ?1 ORDER BY sequence DESC LIMIT 1 OFFSET ?2)",
            (service, MOST_GOOD),
        )
