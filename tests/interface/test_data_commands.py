"""backup and restore, as people call them: databases and containers are fakes, files and Git are real."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

import pytest

from reconciler.adapters.docker_host import DockerHost
from reconciler.domain.restoring import NOTE
from reconciler.errors import DataUnreachable, PermissionRefused
from reconciler.interface.cli import exit_codes
from reconciler.interface.data_wiring import DataWiring
from reconciler.interface.wiring import Wiring
from tests.app.restores import RUNS, Restores, bad_release
from tests.interface.test_commands import SETTINGS, Here
from tests.interface.test_commands import here as here

DATA = """\
    data:
      couchdb:
        url: "http://localhost:5984"
        databases: [kompass, team/notes]
        username: "${COUCH_USER}"
        password: "${COUCH_PASSWORD}"
    services:
      web: {uses: [couchdb]}
"""
WITH_DATA = SETTINGS.replace("kompass-production", "shop") + DATA


@pytest.fixture
def restores(here: Here, monkeypatch: pytest.MonkeyPatch) -> Restores:
    """The databases of production, which were backed up and then written to."""
    here.commit({"state/reconcile.yaml": WITH_DATA}, "Data")
    restores, *_ = bad_release()
    staged(restores, monkeypatch)
    return restores


def staged(restores: Restores, monkeypatch: pytest.MonkeyPatch) -> None:
    restores.passes.scene.clock.passed += 60
    monkeypatch.setattr(DataWiring, "documents", lambda _wiring, _environment: restores.server)
    monkeypatch.setattr(Wiring, "reconciler", lambda _wiring, _environment: restores.passes.reconciler)
    monkeypatch.setattr(DockerHost, "pauses", restores.passes.pauses)


# --- backup -------------------------------------------------------------------------------------------


def test_a_backup_says_what_was_copied(here: Here, restores: Restores) -> None:
    said = here("backup", "production")
    assert said.code == exit_codes.OK
    assert (
        said.out
        == """\
production: 2 databases copied and verified
  kompass     kompass_backup_20260930-140200     7 documents, 1 deleted
  team/notes  team/notes_backup_20260930-140200  1 document, 0 deleted
They are on the server of the data, and no help against the loss of its disk.
"""
    )
    restores.passes.scene.clock.passed += 60
    restores.kompass.put("order-0", {"total": 1})
    again = here("backup", "production")
    assert "1 database copied" in again.out
    assert "team/notes_backup_20260930-140200  1 document, 0 deleted   nothing written since" in again.out


def test_a_backup_as_json(here: Here, restores: Restores) -> None:
    (found,) = here("backup", "production", "-o", "json").json["environments"]
    assert (found["name"], found["result"], found["exit_code"]) == ("production", "converged", 0)
    assert found["copied"] == ["kompass_backup_20260930-140200", "team/notes_backup_20260930-140200"]
    (again,) = here("backup", "production", "-o", "json").json["environments"]
    assert (again["result"], again["copied"]) == ("no-op", [])
    assert again["backups"] == found["backups"]


def test_the_list_of_backups(here: Here, restores: Restores) -> None:
    restores.server.new("kompass_backup_20260101-000000")
    said = here("backup", "production", "--list")
    assert (
        said.out
        == """\
production: 2 verified backups
  team/notes_backup_20260930-140100  2026-09-30 14:01 UTC  1 document, 0 deleted   asked for
  kompass_backup_20260930-140100     2026-09-30 14:01 UTC  7 documents, 1 deleted  asked for
  kompass_backup_20260101-000000  not verified: under way, or interrupted; the next backup removes it
"""
    )
    (found,) = here("backup", "production", "--list", "-o", "json").json["environments"]
    assert found["partial"] == ["kompass_backup_20260101-000000"]
    assert [one["point_in_time"] for one in found["backups"]] == [True, True]


def test_where_there_are_no_backups(here: Here, restores: Restores) -> None:
    for name in [name for name in restores.server.there if "_backup_" in name]:
        restores.server.there.pop(name)
    assert here("backup", "production", "--list").out == "production has no backups.\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataUnreachable("http://localhost:5984 does not answer"), exit_codes.UNREACHABLE),
        (PermissionRefused("http://localhost:5984 refuses us"), exit_codes.PERMISSION),
    ],
)
def test_a_server_that_does_not_answer(here: Here, restores: Restores, error: Exception, code: int) -> None:
    restores.server.fail("databases", error=error, times=9)
    for command in (["backup", "production"], ["restore", "production", "couchdb", "--yes"]):
        said = here(*command)
        assert (said.code, str(error) in said.err) == (code, True)


def test_while_somebody_acts_there_is_no_backup(here: Here, restores: Restores) -> None:
    restores.passes.lock.holder = "the daemon"
    assert here("backup", "production").code == exit_codes.LOCKED


def test_without_databases_both_are_refused(here: Here) -> None:
    for command in (["backup", "production"], ["restore", "production", "couchdb"]):
        said = here(*command)
        assert (said.code, "has no data.couchdb" in said.err) == (exit_codes.USAGE, True)


def test_a_password_that_has_no_value_is_named(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.commit({"state/reconcile.yaml": WITH_DATA}, "Data")
    monkeypatch.setenv("COUCH_USER", "admin")
    said = here("backup", "production")
    assert said.code == exit_codes.USAGE
    assert "COUCH_PASSWORD has no value here" in said.err


# --- restore ------------------------------------------------------------------------------------------


def test_the_plan_of_a_restore(here: Here, restores: Restores) -> None:
    lost = "_design/orders, new, old, order-0, order-2, order-4, with-file"
    said = here("restore", "production", "couchdb", "--plan")
    assert said.code == exit_codes.OK
    assert (
        said.out
        == f"""\
production: its data go back to 20260930-140100
  kompass: 5 documents change, 2 come back, 2 added since go
    from kompass_backup_20260930-140100, taken 2026-09-30 14:01 UTC
    written since, and lost with it: 7 documents: {lost}
  team/notes: 1 document changes, 0 come back, 0 added since go
    from team/notes_backup_20260930-140100, taken 2026-09-30 14:01 UTC
    written since, and lost with it: 1 document: hello
  stopped meanwhile: web
"""
    )
    assert restores.running == RUNS
    (found,) = here("restore", "production", "couchdb", "--plan", "-o", "json").json["environments"]
    assert found["result"] == "no-op"
    assert [one["lost"] for one in found["restore"]["databases"]] == [7, 1]


def test_a_restore_that_nobody_confirms_is_refused(here: Here, restores: Restores) -> None:
    before = restores.says()
    said = here("restore", "production", "couchdb")
    assert said.code == exit_codes.USAGE
    assert "confirm it with --yes" in said.err
    assert restores.says() == before


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal as standard input; what is written there is what a person types."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "r") as file:
        monkeypatch.setattr("sys.stdin", file)
        yield ours
    os.close(ours)


@pytest.mark.parametrize(("typed", "code"), [(b"y\n", exit_codes.OK), (b"n\n", exit_codes.INTERRUPTED)])
def test_on_a_terminal_it_asks_after_it_said_what_would_be_lost(
    here: Here, restores: Restores, terminal: int, typed: bytes, code: int
) -> None:
    os.write(terminal, typed)
    said = here("restore", "production", "couchdb")
    assert said.code == code
    assert "lost with it: 7 documents" in said.err
    assert ("restored" in said.out) == (code == exit_codes.OK)


def test_a_restore_says_what_it_did_what_it_kept_and_what_it_took_away(
    here: Here, restores: Restores
) -> None:
    said = here("restore", "production", "couchdb", "--backup", "20260930-140100", "--yes")
    assert said.code == exit_codes.OK
    first, *lines = said.out.splitlines()
    assert first.startswith("production: restored: its data are those of 20260930-140100, in ")
    exports = sorted(here.state.glob("*.ndjson"))
    assert lines == [
        "  kompass: 5 documents change, 2 come back, 2 added since go",
        "  team/notes: 1 document changes, 0 come back, 0 added since go",
        "  before it is kept: reconcile restore production couchdb --backup 20260930-140200",
        *(f"  written since, and taken away: {path}" for path in exports),
        "  checks: pass",
    ]
    assert [stat.S_IMODE(path.stat().st_mode) for path in exports] == [0o600, 0o600]
    assert [path.name.rpartition("couchdb-")[2] for path in exports] == [
        "kompass-20260930-140200.ndjson",
        "team%2Fnotes-20260930-140200.ndjson",
    ]
    again = here("restore", "production", "couchdb", "--backup", "20260930-140100", "--yes")
    assert again.out == "production: its data are what they are in 20260930-140100: nothing was done\n"


def test_a_restore_as_json(here: Here, restores: Restores) -> None:
    said = here("restore", "production", "couchdb", "--yes", "-o", "json")
    (found,) = said.json["environments"]
    assert (found["result"], found["exit_code"], found["restore"]["ending"]) == ("converged", 0, "restored")
    assert found["restore"]["judgement"]["verdict"] == "pass"
    assert len(found["restore"]["exports"]) == 2
    assert [step["verb"] for step in found["restore"]["steps"]][-3:] == ["start", "start", "verify"]


def test_one_that_is_half_done_says_how_to_go_on(here: Here, restores: Restores) -> None:
    restores.server.fail("write", error=DataUnreachable("http://localhost:5984 does not answer"))
    said = here("restore", "production", "couchdb", "--yes")
    assert said.code == exit_codes.DEGRADED
    assert "half restored, and what writes to it is stopped" in said.out
    assert "http://localhost:5984 does not answer" in said.out
    assert NOTE in restores.kompass.notes
    assert "a restore is half done" in here("restore", "production", "couchdb", "--plan").out
    refused = here("backup", "production")
    assert (refused.code, "in the middle of a restore" in refused.err) == (exit_codes.FAILED, True)
    again = here("restore", "production", "couchdb", "--yes")
    assert (again.code, "restored: its data are those of" in again.out) == (exit_codes.OK, True)


def test_one_that_was_not_begun_says_so(here: Here, restores: Restores) -> None:
    restores.server.fail("replicate", error=DataUnreachable("it does not answer"))
    said = here("restore", "production", "couchdb", "--yes", "-o", "json")
    (found,) = said.json["environments"]
    assert (said.code, found["restore"]["ending"]) == (exit_codes.UNREACHABLE, "untouched")
    assert found["result"] == "failed"


def test_checks_that_fail_with_what_was_restored(here: Here, restores: Restores) -> None:
    scene = restores.passes.scene
    scene.world.named("shop-proxy-1").end(1, by_hand=True)
    said = here("restore", "production", "couchdb", "--yes")
    assert said.code == exit_codes.DEGRADED
    assert "  checks: fail: shop-proxy-1" in said.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--plan", "--yes"], "leave one of --plan and --yes out"),
        (["--backup", "20200101-000000", "--yes"], "there is no backup 20200101-000000"),
        (["--backup", "shop_backup_20260930-140100", "--yes"], "it is of another application"),
    ],
)
def test_what_cannot_be_restored(here: Here, restores: Restores, arguments: list[str], says: str) -> None:
    before = restores.says()
    said = here("restore", "production", "couchdb", *arguments)
    assert (said.code, says in said.err) == (exit_codes.USAGE, True)
    assert restores.says() == before


def test_there_is_no_other_store(here: Here, restores: Restores) -> None:
    assert here("restore", "production", "postgres", "--yes").code == exit_codes.USAGE
