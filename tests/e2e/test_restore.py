"""A restore on a real engine and a CouchDB: killed with -9 at its steps, and run again."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.bed.couchdb import CouchDb
from tests.e2e.canaries import Spy, needles
from tests.e2e.world import World, await_answer, published

KILLED = -9
POINTS = ("documents.set_note:after#2", "documents.write:after", "engine.start:before")
OTHERS = (
    "engine.stop:after",
    "documents.replicate:before#2",
    "documents.write:before",
    "documents.set_security:before",
    "step.restore:after",
    "documents.set_note:after#3",
    "lease.release:before",
)


@pytest.fixture
def stored(world: World, couchdb: CouchDb) -> tuple[World, str]:
    """Version 1 runs, restarts always, and writes to a database of its own."""
    name = couchdb.database("kom/pass")
    port, world.url = published()
    secret = world.root / "password"
    secret.write_text(couchdb.password)
    world.variables = {"COUCH_USER": couchdb.username, "COUCH_PASSWORD_FILE": str(secret)}
    world.settings["data"] = {
        "couchdb": {
            "url": couchdb.url,
            "databases": [name],
            "username": "${COUCH_USER}",
            "password": "${COUCH_PASSWORD}",
        }
    }
    world.settings["services"] = {"web": {"uses": ["couchdb"]}}
    couchdb.put(name, *({"_id": f"{n:03}", "n": n} for n in range(20)))
    compose = f"""
    services:
      web:
        image: web
        restart: always
        ports: ["127.0.0.1:{port}:8080"]
    """
    world.stack(compose, web="web:1")
    world.reconcile("--once").expect(0)
    await_answer(world.url, "version=1")
    return world, name


def says(couchdb: CouchDb, name: str) -> dict[str, int]:
    rows = couchdb.ask("GET", f"/{quote(name, safe='')}/_all_docs?include_docs=true")["rows"]
    return {row["id"]: row["doc"]["n"] for row in rows}


def write(couchdb: CouchDb, name: str) -> dict[str, int]:
    """What a bad release writes; what the database says then."""
    rows = couchdb.ask("GET", f"/{quote(name, safe='')}/_all_docs?include_docs=true")["rows"]
    couchdb.put(name, *({**row["doc"], "n": -1} for row in rows[:10]))
    couchdb.put(name, {**rows[15]["doc"], "_deleted": True}, {"n": 99})
    return says(couchdb, name)


@pytest.mark.parametrize(
    "points", [POINTS, pytest.param(OTHERS, marks=pytest.mark.long)], ids=["few", "others"]
)
def test_killed_at_its_steps_a_second_run_finishes_and_nothing_is_told(
    stored: tuple[World, str], couchdb: CouchDb, points: tuple[str, ...]
) -> None:
    world, name = stored
    first = world.reconcile("backup", "production", "-o", "json").expect(0).environment
    assert len(first["copied"]) == 1, "before the first deployment there was nothing to go back to"
    backup = world.reconcile("backup", "production", "-o", "json").expect(0).environment
    assert backup["copied"] == [], "nothing was written since"
    assert backup["backups"][0]["purpose"] == "asked"
    stamp = backup["backups"][0]["name"][-15:]
    then = says(couchdb, name)
    restore = ("restore", "production", "couchdb", "--backup", stamp)
    with Spy(lambda: [r.process.pid for r in list(world.started) if r.process.returncode is None]) as spy:
        killed_and_finished(world, couchdb, name, restore, points, then)
    world.settle()
    tells_nothing(world, couchdb, spy)


def killed_and_finished(
    world: World,
    couchdb: CouchDb,
    name: str,
    restore: tuple[str, ...],
    points: tuple[str, ...],
    then: dict[str, int],
) -> None:
    """At each of these points a restore is killed, and a second one brings back what the backup says."""
    for point in points:
        now = write(couchdb, name)
        world.reconcile(*restore, "--yes", environ={"RECONCILE_FAILPOINT": point}).expect(KILLED)
        world.reconcile("--once").expect(0)
        if says(couchdb, name) not in (then, now) or point.startswith("documents.write"):
            assert world.images_of("web") == ["-"], point
        found = world.reconcile(*restore, "--yes", "-o", "json").expect(0).environment["restore"]
        assert (found["ending"], says(couchdb, name)) == ("restored", then), point
        if found["present"]:
            assert says(couchdb, found["present"][0]) == now, point
        await_answer(world.url, "version=1")
        assert world.container("web").content["HostConfig"]["RestartPolicy"]["Name"] == "always"


def tells_nothing(world: World, couchdb: CouchDb, spy: Spy) -> None:
    """The password is in no output, no argument, no file of the state directory, and not in Git."""
    assert any(b"restore" in line for line in spy.seen), "somebody looked while it ran"
    (world.root / "password").unlink()
    files = [path for path in world.root.rglob("*") if path.is_file()]
    assert any(path.name.endswith(".ndjson") for path in files)
    for needle in needles(couchdb.password):
        assert not [path for path in files if needle in path.read_bytes()]
        assert not [line for line in spy.seen if needle in line]
