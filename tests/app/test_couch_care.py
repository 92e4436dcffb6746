"""Releases of an environment with databases: backed up before, and brought back with what is rejected."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.app.couch_care import CouchCare
from reconciler.app.data_revisions import running_release
from reconciler.domain.backups import Purpose
from reconciler.domain.data import BackupPolicy, Contract, CouchDb, Data, RestorePolicy, Uses
from reconciler.domain.environment import Gate, GitPolicy, Rollback
from reconciler.domain.report import Result, Verb
from reconciler.domain.restoring import Ending
from reconciler.errors import DataUnreachable
from tests.app.passes import Passes
from tests.app.restores import Restores
from tests.app.scene import Scene
from tests.app.test_restore_killed import killed_at
from tests.bed.fake_container import Behaviour
from tests.bed.fake_outside import BAD, GOOD
from tests.domain.values import check, environment, image, svc

NEEDS = Uses("web", ("couchdb",), Contract.NEEDS_RESTORE)


@dataclass(slots=True)
class Released:
    """Version 1 runs on its data; 2 is bad, and writes as soon as it runs. `starts` is what 1 ever found."""

    restores: Restores
    then: dict[str, object]
    starts: list[dict[str, object]]

    @property
    def passes(self) -> Passes:
        return self.restores.passes


def stage(restore: RestorePolicy = RestorePolicy.AUTO, *, backup: BackupPolicy | None = None) -> Released:
    couch = CouchDb("http://fake:5984", ("kompass",), backup=backup or BackupPolicy.BEFORE_RELEASE)
    data = Data(couch, restore=restore, uses=(NEEDS, Uses("job", ("couchdb",))))
    env = environment(gate=Gate(5.0, 0.0, (check(),)), rollback=Rollback(GitPolicy.PUSH), data=data)
    passes = Passes(Scene((svc("web"), svc("job")), env=env))
    restores = Restores(passes)
    kompass = restores.server.new("kompass")
    for number in range(3):
        kompass.put(f"order-{number}", {"total": number})
    released = Released(restores, restores.says(), [])

    def wrote(look: int) -> str:
        if look == 0:
            restores.kompass.put("order-0", {"total": "broken"})
            restores.kompass.put("new", {"made": "by 2"})
        return ""

    def found(look: int) -> str:
        if look == 0:
            released.starts.append(restores.says())
        return ""

    passes.care = CouchCare(lambda: replace(restores.restore, told=lambda: None))
    passes.scene.behave("web", "1", Behaviour(logs=found))
    passes.scene.behave("web", "2", Behaviour(logs=wrote))
    passes.up()
    released.starts.clear()
    world, bad = passes.scene.world, image("web", "2")
    passes.scene.answer("front", lambda _: BAD if bad in world.running().values() else GOOD)
    return released


def test_a_release_is_backed_up_before_anything_is_touched() -> None:
    released = stage()
    restores, passes = released.restores, released.passes
    first = running_release(passes.scene.env, passes.journal)
    restores.server.meanwhile["replicate"] = lambda: seen.append(passes.scene.running())
    seen: list[str] = []
    passes.release(job="2")
    report = passes.once()
    assert report.result is Result.CONVERGED
    assert seen == ["job-1=1 web-1=1"], "of the first deployment there was nothing to back up"
    seen.clear()
    restores.kompass.put("order-1", {"total": 11})
    passes.release(job="3")
    report = passes.once()
    assert seen == ["job-1=2 web-1=1"]
    newest, oldest = restores.backups.listed().backups
    assert oldest.purpose == newest.purpose == Purpose.RELEASE
    assert oldest.releases[-1] == first
    assert newest.runs == (report.run,)
    (step,) = [step for step in report.steps if step.verb == Verb.BACKUP]
    assert step.detail.startswith(f"{newest.name}, sequence ")
    assert passes.care.backup_of(report.run) == newest.name[-15:]
    assert passes.care.backup_of("another") == ""
    restores.server.fail("databases", error=DataUnreachable("the server is down"))
    assert passes.care.backup_of(report.run) == "", "which stops nothing that is half done"


def test_what_a_backup_has_to_say_is_in_the_report() -> None:
    released = stage()
    released.restores.server.there.clear()
    released.passes.release(job="2")
    report = released.passes.once()
    assert report.result is Result.CONVERGED
    assert report.outcome is not None
    assert "there is no database kompass yet: nothing of it to back up" in report.outcome.notes


def test_a_release_whose_data_cannot_be_backed_up_is_not_begun() -> None:
    released = stage()
    released.restores.kompass.put("order-1", {"total": 11})
    released.restores.server.fail("replicate", error=DataUnreachable("the server is down"))
    before = released.passes.scene.there()
    released.passes.release(job="2")
    report = released.passes.once()
    assert (report.result, type(report.error)) == (Result.FAILED, DataUnreachable)
    assert released.passes.scene.running() == before
    assert released.passes.once().result is Result.CONVERGED


def test_without_backups_a_release_is_made_all_the_same() -> None:
    released = stage(backup=BackupPolicy.OFF)
    released.passes.release(job="2")
    assert released.passes.once().result is Result.CONVERGED
    assert released.restores.backups.listed().backups == ()


def test_a_rejected_release_goes_back_with_its_data_where_the_environment_says_so() -> None:
    released = stage()
    released.passes.release(web="2")
    report = released.passes.once()
    assert (report.result, report.error) == (Result.ROLLED_BACK, None)
    assert released.restores.says() == released.then
    assert released.passes.scene.running() == "job-1=1 web-1=1"
    assert released.starts == [released.then], "what ran before found the data of before"
    assert released.passes.pauses.pauses == {}
    assert report.outcome is not None
    assert any("what was there before is kept in" in note for note in report.outcome.notes)


def test_killed_anywhere_in_it_the_next_passes_bring_both_back() -> None:
    at = 1
    while True:
        released = stage()
        released.passes.release(web="2")
        point = killed_at(released.restores, at, released.passes.once)
        if not point:
            break
        for _ in range(6):
            if released.passes.once().result is Result.NO_OP:
                break
        assert released.restores.says() == released.then, point
        assert released.passes.scene.running() == "job-1=1 web-1=1", point
        assert all(found == released.then for found in released.starts), point
        assert released.passes.pauses.pauses == {}, point
        at += 1
    assert at > 60


def test_where_a_person_decides_the_release_stays_until_the_data_are_back() -> None:
    released = stage(RestorePolicy.ASK)
    passes = released.passes
    passes.release(web="2")
    assert passes.once().result is Result.ROLLBACK_FAILED
    assert passes.scene.running() == "job-1=1 web-1=2"
    restored = released.restores.go_back()
    assert (restored.ending, restored.going) == (Ending.RESTORED, ("web",))
    assert passes.scene.running() == "job-1=1", "what was rejected does not run on data of before"
    passes.once()
    assert passes.scene.running() == "job-1=1 web-1=1"
    assert released.restores.says() == released.then
    assert passes.pinned()["web"] == "1", "and Git is told"


def test_killed_anywhere_in_the_restore_of_a_person_it_is_the_same_in_the_end() -> None:
    at = 1
    while True:
        released = stage(RestorePolicy.ASK)
        passes = released.passes
        passes.release(web="2")
        passes.once()
        point = killed_at(released.restores, at, released.restores.go_back)
        if not point:
            break
        assert released.restores.go_back().ending is Ending.RESTORED, point
        for _ in range(4):
            passes.once()
        assert passes.scene.running() == "job-1=1 web-1=1", point
        assert released.restores.says() == released.then, point
        at += 1
    assert at > 40


def test_a_backup_that_is_gone_is_said_before_anything_is_stopped() -> None:
    released = stage()
    passes, server = released.passes, released.restores.server

    def lose(look: int) -> str:
        for name in [name for name in server.there if "_backup_" in name]:
            server.there.pop(name)
        return ""

    passes.release(web="2")
    passes.scene.behave("web", "2", Behaviour(logs=lose))
    report = passes.once()
    assert report.result is Result.ROLLBACK_FAILED
    assert passes.scene.running() == "job-1=1 web-1=2"
    assert report.outcome is not None
    assert any("cannot be brought back now: there is no backup" in note for note in report.outcome.notes)


def test_what_follows_the_data_and_fails_is_named_with_the_command() -> None:
    def unreachable() -> tuple[str, ...]:
        raise DataUnreachable("MeiliSearch does not answer")

    restores = stage().restores
    (note,) = CouchCare(lambda: replace(restores.restore, after=unreachable)).follow()
    assert "MeiliSearch does not answer; then: reconcile reindex production" in note
    filled = CouchCare(lambda: replace(restores.restore, after=lambda: ("filled",)))
    assert filled.follow() == ("filled",)
