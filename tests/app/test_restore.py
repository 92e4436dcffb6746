"""A restore: the data are exactly the backup's again, nothing is lost, and the writers run as they did."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reconciler.domain.backups import Purpose
from reconciler.domain.brakes import Pause
from reconciler.domain.data import Data
from reconciler.domain.report import Result
from reconciler.domain.restoring import NOTE, Ending
from reconciler.domain.severity import Verdict
from reconciler.errors import (
    DataFailed,
    DataUnreachable,
    HookFailed,
    PermissionRefused,
    ReconcileError,
    Refused,
)
from tests.app.restores import RUNS, Restores, bad_release, stage, written_since
from tests.bed.fake_clock import START
from tests.bed.fake_documents import NOBODY_ELSE


def test_all_documents_say_again_what_the_backup_says() -> None:
    restores, stamp, then, now = bad_release()
    assert now != then
    restored = restores.go_back(stamp)
    assert (restored.ending, restored.error, restored.notes) == (Ending.RESTORED, None, ())
    assert restores.says() == then
    assert restores.kompass.security == '{"members":{"roles":["app"]}}'
    assert restores.kompass.notes == {"settings": '{"mine":1}'}, "local documents stay, and ours is gone"
    assert restores.kompass.warm
    assert restored.judgement is not None
    assert restored.judgement.verdict is Verdict.PASS


def test_the_runbooks_own_command_changes_nothing() -> None:
    restores, stamp, then, now = bad_release()
    restores.server.replicate(f"kompass_backup_{stamp}", "kompass")
    kompass = dict(restores.kompass.says())
    assert kompass.pop("order-3") == ({"total": 3}, []), "only what was purged comes back"
    assert {"kompass": kompass, "team/notes": restores.server.there["team/notes"].says()} == now
    restores.go_back(stamp)
    assert restores.says() == then


def test_what_was_there_before_is_kept_and_can_be_gone_back_to() -> None:
    restores, stamp, then, now = bad_release()
    restored = restores.go_back(stamp)
    assert set(restored.present) == {f"{name}_backup_20260930-140200" for name in ("kompass", "team/notes")}
    back = restores.go_back("20260930-140200")
    assert (back.ending, restores.says()) == (Ending.RESTORED, now)
    again = restores.go_back(stamp)
    assert (again.ending, restores.says()) == (Ending.RESTORED, then)


def test_what_was_written_since_is_exported_with_its_revisions() -> None:
    restores, stamp, *_ = bad_release()
    there = restores.kompass.trees["with-file"].leaves()[0]
    restored = restores.go_back(stamp)
    assert len(restored.exports) == 2
    name = next(name for name in restores.exports.files if "kompass" in name)
    lines = {(d := json.loads(line))["_id"]: d for line in restores.exports.files[name]}
    assert set(lines) == {"_design/orders", *(f"order-{n}" for n in (0, 1, 2, 4)), "new", "old", "with-file"}
    assert lines["with-file"]["_rev"] == there.revision
    assert lines["with-file"]["_revisions"] == {"start": there.generation, "ids": list(there.history)}
    assert "data" in lines["with-file"]["_attachments"]["scan"]
    assert lines["order-1"]["_deleted"]


def test_the_plan_counts_what_would_change_and_touches_nothing() -> None:
    restores, stamp, _, now = bad_release()
    calls = len(restores.server.calls)
    chosen, (kompass, notes) = restores.plan(stamp)
    assert chosen.stamp == stamp
    assert (kompass.changes, kompass.returns, kompass.goes) == (5, 2, 2)
    assert set(kompass.lost) == {"_design/orders", "order-0", "order-2", "order-4", "with-file", "new", "old"}
    assert (notes.changes, notes.total) == (1, 1)
    assert (restores.says(), len(restores.server.calls)) == (now, calls)


def test_writers_are_stopped_for_it_and_run_as_they_did() -> None:
    restores, stamp, *_ = bad_release()
    seen: list[str] = []
    restores.server.meanwhile["write"] = lambda: seen.append(restores.running)
    restores.go_back(stamp)
    assert set(seen) == {"proxy-1=1"}
    assert restores.running == RUNS
    assert [box.policy for box in restores.passes.scene.containers] == ["unless-stopped", "always", "always"]
    assert restores.passes.pauses.pauses == {}
    assert restores.passes.once().result is Result.NO_OP


def test_a_pause_that_a_person_began_holds_on() -> None:
    restores, stamp, *_ = bad_release()
    environment = restores.passes.scene.env
    pause = Pause("migrating the disk", "bob", START)
    restores.passes.pauses.begin(environment, pause)
    restores.go_back(stamp)
    assert restores.passes.pauses.pause(environment) == pause


def test_a_restore_lets_go_of_no_backup() -> None:
    restores = stage(keep=1)
    first = restores.backups.back_up(release="one").backups[0]
    for number in (7, 8):
        restores.kompass.put("order-0", {"total": number})
        restores.passes.scene.clock.passed += 60
        restores.backups.back_up(release="two", protected=["one"])
    before = {name for name in restores.server.there if "_backup_" in name}
    restores.kompass.put("order-0", {"total": 9})
    restored = restores.go_back(first.name)
    assert before | set(restored.present) == {name for name in restores.server.there if "_backup_" in name}
    assert next(iter(restores.backups.listed().backups)).purpose == Purpose.RESTORE


def test_a_second_run_finds_nothing_to_do() -> None:
    restores, stamp, *_ = bad_release()
    restores.go_back(stamp)
    calls = len(restores.server.calls)
    again = restores.go_back(stamp)
    assert (again.ending, again.present, again.done) == (Ending.RESTORED, (), False)
    assert len(restores.server.calls) == calls


def test_somebody_who_cannot_be_stopped_writes_now_and_then() -> None:
    restores, stamp, then, _ = bad_release()
    left = [1, 2]

    def write() -> None:
        if left:
            restores.kompass.put("order-0", {"n": left.pop()})

    restores.server.meanwhile["write"] = write
    restored = restores.go_back(stamp)
    assert (restored.ending, restores.says(), left) == (Ending.RESTORED, then, [])


def test_somebody_who_cannot_be_stopped_writes_all_the_time() -> None:
    restores, stamp, then, _ = bad_release()
    numbers = iter(range(1000))
    restores.server.meanwhile["write"] = lambda: restores.kompass.put("order-0", {"n": next(numbers)})
    restored = restores.go_back(stamp)
    assert restored.ending is Ending.HALF
    assert isinstance(restored.error, DataFailed)
    assert "1 documents of kompass" in restored.error.problem
    assert restores.running == "proxy-1=1", "nothing that writes runs on half of the data"
    del restores.server.meanwhile["write"]
    assert restores.go_back().ending is Ending.RESTORED
    assert (restores.says(), restores.running) == (then, RUNS)


def refused_half_way() -> tuple[Restores, str, dict[str, object], dict[str, object], str]:
    """A restore that was left half done; the stamp of what was there before comes last."""
    restores, stamp, then, now = bad_release()
    restores.back_up(purpose=Purpose.RESTORE)
    restores.kompass.put("order-0", {"total": "later"})
    now = restores.says()
    restores.before = lambda: restores.server.refused.add("order-0")
    restored = restores.go_back(stamp)
    assert (restored.ending, type(restored.error)) == (Ending.HALF, DataFailed)
    assert restores.running == "proxy-1=1"
    restores.server.refused.clear()
    return restores, stamp, then, now, restored.present[0][-15:]


def test_what_is_half_done_goes_on_and_what_was_there_before_is_not_taken_again() -> None:
    restores, _, then, _, present = refused_half_way()
    made = list(restores.server.there)
    again = restores.go_back()
    assert (again.ending, restores.says(), restores.running) == (Ending.RESTORED, then, RUNS)
    assert again.present[0].endswith(present)
    assert list(restores.server.there) == made


def test_what_is_half_done_can_be_taken_back() -> None:
    restores, _, _, now, present = refused_half_way()
    back = restores.go_back(present)
    assert (back.ending, restores.says(), restores.running) == (Ending.RESTORED, now, RUNS)


def test_while_one_is_half_done_no_other_one_is_begun() -> None:
    restores, _, _, _, present = refused_half_way()
    with pytest.raises(Refused, match="half done") as raised:
        restores.go_back("20260930-140200")
    assert present in raised.value.hint
    with pytest.raises(DataFailed, match="in the middle of a restore"):
        restores.back_up()


def test_nothing_starts_what_writes_while_the_data_are_half_of_this_and_half_of_that() -> None:
    restores, *_ = refused_half_way()
    restores.passes.scene.world.restart_engine()
    report = restores.passes.once()
    assert (report.result, restores.running) == (Result.NO_OP, "proxy-1=1")
    assert report.plan is not None
    held = {entry.name: entry.cause for entry in report.plan.entries if entry.name == "web"}
    assert "its data go back to" in held["web"]
    restores.go_back()
    assert restores.running == RUNS


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("replicate", DataFailed("no room")),
        ("replicate", DataUnreachable("it is down")),
        ("leaves", DataUnreachable("it is down")),
        ("create", PermissionRefused("not an admin")),
        ("set_note", DataUnreachable("it is down")),
    ],
)
def test_what_fails_before_the_data_change_leaves_everything_as_it_was(method: str, error: Exception) -> None:
    restores, stamp, _, now = bad_release()
    restores.server.fail(method, error=error, matching=lambda name, *_: "140100" not in name)
    assert failed(restores, stamp) is error
    assert (restores.says(), restores.running) == (now, RUNS)
    assert restores.passes.pauses.pauses == {}
    restores.server.forget_faults()
    assert restores.go_back(stamp).ending is Ending.RESTORED


def failed(restores: Restores, stamp: str) -> BaseException | None:
    """Why a restore did nothing: it was not begun, or taken back."""
    try:
        restored = restores.go_back(stamp)
    except ReconcileError as raised:
        return raised
    assert restored.ending is Ending.UNTOUCHED
    return restored.error


def test_a_hook_that_fails_keeps_the_data_and_the_writers() -> None:
    restores, stamp, _, now = bad_release()

    def before() -> None:
        assert restores.running == "proxy-1=1"
        raise HookFailed("dumping the files ended with 1")

    restores.before = before
    restored = restores.go_back(stamp)
    assert restored.ending is Ending.UNTOUCHED
    assert isinstance(restored.error, HookFailed)
    assert (restores.says(), restores.running) == (now, RUNS)
    assert NOTE not in restores.kompass.notes


def test_asked_to_end_it_ends_before_the_data_change() -> None:
    restores, stamp, _, now = bad_release()
    restores.passes.scene.interrupted = lambda: True
    restored = restores.go_back(stamp)
    assert restored.ending is Ending.UNTOUCHED
    assert (restores.says(), restores.running) == (now, RUNS)


def test_what_follows_the_data_is_told() -> None:
    restores, stamp, *_ = bad_release()
    restores.after = lambda: ("the index of customers is built anew",)
    assert restores.go_back(stamp).notes == ("the index of customers is built anew",)


def test_what_follows_the_data_and_fails_is_made_up_for_by_a_second_run() -> None:
    restores, stamp, then, _ = bad_release()

    def after() -> tuple[str, ...]:
        raise DataUnreachable("the search server is down")

    restores.after = after
    restored = restores.go_back(stamp)
    assert (restored.ending, type(restored.error)) == (Ending.RESTORED, DataUnreachable)
    assert (restores.says(), restores.running) == (then, RUNS)
    restores.kompass.put("order-0", {"total": "written since"})
    restores.back_up()
    restores.after = lambda: ("the index is built",)
    again = restores.go_back(stamp)
    assert again.notes[1:] == ("the index is built",)
    assert again.notes[0].startswith("the data went back in an earlier run")
    assert restores.kompass.says()["order-0"] == ({"total": "written since"}, []), "it was restored once"
    assert restores.go_back(stamp).done, "and is restored again when it is asked for again"
    assert restores.says() == then


def test_without_a_service_that_uses_them_none_is_stopped() -> None:
    restores, stamp, then, _ = bad_release()
    scene = restores.passes.scene
    scene.env = replace(scene.env, data=Data(restores.couch))
    restored = restores.go_back(stamp)
    assert restored.notes == ("no service says that it uses couchdb: none was stopped",)
    assert (restores.says(), restores.running) == (then, RUNS)


def test_a_database_that_is_gone_comes_back() -> None:
    restores, stamp, then, _ = bad_release()
    del restores.server.there["kompass"]
    restored = restores.go_back(stamp)
    assert (restored.ending, restores.says()) == (Ending.RESTORED, then)
    assert restores.kompass.security != NOBODY_ELSE


def test_many_documents_that_are_gone_are_replicated() -> None:
    restores = stage()
    for number in range(150):
        restores.kompass.put(f"many-{number}", {"n": number})
    restores.back_up()
    then = restores.says()
    for number in range(150):
        restores.kompass.purge(f"many-{number}")
    written_since(restores)
    restored = restores.go_back()
    assert (restored.ending, restores.says()) == (Ending.RESTORED, then)
    assert ("kompass_backup_20260930-140100", "kompass") in restores.server.replicated
