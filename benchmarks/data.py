"""Backup and restore of a database, with the plain replication of the same documents on the same server."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks.figures import Figure, alternating, ratio, seconds
from reconciler.app.bring_back import BringBack
from reconciler.app.leaf_memory import remembering
from reconciler.domain.documents import Backup
from reconciler.ports import Documents
from tests.bed.couchdb import CouchDb, CouchDbProcess, real_server
from tests.faults.stored import Stored

DOCUMENTS = 10_000
CHANGED = DOCUMENTS // 10
_TEXT = "x" * 800


def measure(runs: int, _services: int) -> Iterator[Figure]:
    """A backup, an unchanged one, and a restore after a tenth of 10,000 documents of 1 KB was changed."""
    with server() as couch, tempfile.TemporaryDirectory() as folder:
        name = couch.database()
        stored = Stored.stage(couch, Path(folder), name)
        fill(couch, name)
        (first,) = stored.back_up().backups
        names = count()

        def plain(source: str) -> float:
            target = couch.fresh(f"plain{next(names)}")
            stored.documents.create(target, source)
            took = seconds(partial(stored.documents.replicate, source, target))()
            stored.documents.delete(target)
            return took

        def backup() -> float:
            couch.put(name, {"_id": f"one-{next(names)}"})
            return seconds(stored.back_up)()

        def restore() -> float:
            spoil(stored, name, first)
            known = remembering(stored.documents)
            known.leaves(first.name)  # whoever chose the backup has seen that it is what it was
            return seconds(lambda: bring_back(known, name, first))()

        ours, theirs = alternating(runs, backup, partial(plain, name))
        yield ratio("backup of 10,000 documents", ours, theirs, 1.1, "plain replication")
        yield unchanged(stored, runs)
        ours, theirs = alternating(runs, restore, partial(plain, first.name))
        yield ratio("restore of 10,000 documents", ours, theirs, 1.3, "plain replication")


@contextmanager
def server() -> Iterator[CouchDb]:
    """The CouchDB of the tests, or the real one of COUCHDB_URL."""
    if (real := real_server()) is not None:
        yield real
        real.clean()
        return
    with CouchDbProcess() as process:
        yield process.server


def fill(couch: CouchDb, name: str) -> None:
    for start in range(0, DOCUMENTS, 1000):
        couch.put(name, *({"_id": f"{n:05}", "n": n, "text": _TEXT} for n in range(start, start + 1000)))


def spoil(stored: Stored, name: str, backup: Backup) -> None:
    """Change a tenth, delete and add a twentieth; counted from what the backup says, so each time alike."""
    bring_back(remembering(stored.documents), name, backup)
    ids = [f"{n:05}" for n in range(CHANGED + CHANGED // 2)]
    read = stored.documents.read(name, ids)
    changed = [{"_id": d, "_rev": read[d][0].revision, "n": -1, "text": _TEXT} for d in ids[:CHANGED]]
    gone = [{"_id": d, "_rev": read[d][0].revision, "_deleted": True} for d in ids[CHANGED:]]
    stamp = time.monotonic_ns()
    new = [{"_id": f"new-{stamp}-{n}", "n": n} for n in range(CHANGED // 2)]
    stored.server.put(name, *changed, *gone, *new)


def bring_back(documents: Documents, name: str, backup: Backup) -> None:
    """What a restore does to the live database: compare, write, verify, permissions, views."""
    BringBack(documents, backup.name, name).restore()
    documents.set_security(name, documents.security(backup.name))
    documents.warm(name)


def unchanged(stored: Stored, runs: int) -> Figure:
    """A database in which nothing was written since: is it copied?"""
    stored.back_up()
    took: list[float] = []
    copied = 0
    for _ in range(runs):
        started = time.perf_counter()
        copied += len(stored.back_up().copied)
        took.append(time.perf_counter() - started)
    found = f"{copied} copies in {max(took) * 1000:.0f} ms at most"
    return Figure("backup of what has not changed", "no copy", found, f"{runs} backups", copied == 0)
