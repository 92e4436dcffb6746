"""What a release does to data decides whether the program takes it back."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from reconciler.app.data_back import data_was_restored
from reconciler.app.data_in_the_way import refuse_behind_data
from reconciler.app.one_pass import Pass
from reconciler.domain.data import Contract, Data, Hook, Moment, RestorePolicy, Uses
from reconciler.domain.environment import Gate, GitPolicy, Rollback
from reconciler.domain.plan import Change
from reconciler.domain.report import Report, Result
from reconciler.errors import DataUnreachable, Refused
from tests.app.crashes import killed_at_failpoint, settled
from tests.app.passes import Passes
from tests.app.rejections import blocked, quiet
from tests.app.scene import Scene
from tests.bed.fake_care import FakeCare
from tests.bed.fake_container import Behaviour
from tests.bed.fake_outside import BAD, GOOD, NO_EVIDENCE
from tests.domain.values import check, environment, image, svc

IRREVERSIBLE, NEEDS, COMPATIBLE = Contract.IRREVERSIBLE, Contract.NEEDS_RESTORE, Contract.COMPATIBLE
ASK, AUTO = RestorePolicy.ASK, RestorePolicy.AUTO


def stage(
    *uses: Uses, restore: RestorePolicy = ASK, git: GitPolicy = GitPolicy.PUSH, label: str = ""
) -> tuple[Passes, FakeCare]:
    """`web` and `db` at version 1; the check of the front fails as soon as `web` 2 runs."""
    gate = Gate(5.0, 0.0, (check(),))
    env = environment(gate=gate, rollback=Rollback(git), data=Data(restore=restore, uses=uses))
    passes = Passes(Scene((svc("web"), svc("db")), env=env))
    care = FakeCare(passes.scene.world)
    passes.care = care
    passes.scene.behave("web", "1", Behaviour(logs=care.tells("1")))
    passes.up()
    care.told.clear()
    care.events.clear()
    world, bad = passes.scene.world, image("web", "2")
    passes.scene.answer("front", lambda _: BAD if bad in world.running().values() else GOOD)
    passes.scene.behave("web", "2", Behaviour(contract=label, logs=care.tells("2")))
    return passes, care


def notes(report: Report) -> str:
    return "\n".join((*(report.outcome.notes if report.outcome else ()), *report.notes))


def safe(events: list[str]) -> bool:
    """Whether what ran before was only started on data of before: nothing else, or it came back, since."""
    return "2 1" not in " ".join(events)


def kept(passes: Passes) -> list[str]:
    return sorted(block.service for block in passes.journal.blocked if block.stays)


# --- compatible ----------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["", "compatible", " compatible "])
def test_a_compatible_release_goes_back_and_no_data_is_touched(label: str) -> None:
    passes, care = stage(label=label)
    passes.release(web="2")
    assert passes.once().result is Result.ROLLED_BACK
    assert passes.scene.running() == "db-1=1 web-1=1"
    assert care.told == [("back up", "db-1 web-1")]
    assert passes.pinned()["web"] == "1"


# --- irreversible, or needs a restore and nobody said that the program may ------------------------


CONTRACTS = {
    "irreversible, on the image": ((), "irreversible", IRREVERSIBLE),
    "irreversible, in the file": ((Uses("web", contract=IRREVERSIBLE),), "compatible", IRREVERSIBLE),
    "needs a restore, on the image": ((), "needs-restore", NEEDS),
    "needs a restore, in the file": ((Uses("web", contract=NEEDS),), "", NEEDS),
    "a word that nobody knows": ((), "reversible", IRREVERSIBLE),
}


@pytest.mark.parametrize(("uses", "label", "contract"), CONTRACTS.values(), ids=CONTRACTS)
def test_it_stays_and_serves_and_is_never_taken_back(
    uses: tuple[Uses, ...], label: str, contract: Contract
) -> None:
    passes, _ = stage(*uses, label=label)
    passes.release(web="2", db="2")
    report = passes.once()
    assert report.result is Result.ROLLBACK_FAILED
    assert passes.scene.there() == "db-1=2 web-1=2"
    assert f"stay although rejected, because the release is {contract}" in notes(report)
    assert kept(passes) == ["db", "web"], "a release is one"
    assert passes.pinned() == {"web": "2", "db": "2"}, "Git pins what runs"
    assert report.undo is None
    assert passes.journal.undo(passes.scene.env) is None
    quiet(passes)
    assert passes.scene.there() == "db-1=2 web-1=2"
    good = {good.image.partition("@")[0][-1] for good in passes.journal.good(passes.scene.env)}
    assert good == {"1"}, "what was rejected is never called good"


def test_the_file_decides_before_the_image() -> None:
    passes, _ = stage(Uses("web", contract=COMPATIBLE), label="irreversible")
    passes.release(web="2")
    assert passes.once().result is Result.ROLLED_BACK


def test_a_word_that_nobody_knows_is_told() -> None:
    passes, _ = stage(label="reversible")
    passes.release(web="2")
    assert "the image of web says reconcile.data='reversible'" in notes(passes.once())


def test_what_to_do_is_in_the_report() -> None:
    passes, _ = stage(label="needs-restore")
    passes.release(web="2")
    assert "reconcile restore production couchdb --backup backup-1 brings back the data" in notes(
        passes.once()
    )
    passes, _ = stage(label="irreversible")
    passes.release(web="2")
    told = notes(passes.once())
    assert "release a fixed image" in told
    assert "restore" not in told.replace("irreversible", "")


@pytest.mark.parametrize("label", ["irreversible", "needs-restore"])
def test_what_stays_is_repaired_and_is_not_tried_again(label: str) -> None:
    passes, care = stage(label=label)
    passes.release(web="2")
    passes.once()
    world = passes.scene.world
    for happens in (partial(world.stop, "shop-web-1", 0.0), partial(world.vanish, "shop-web-1")):
        happens()
        care.told.clear()
        assert passes.once().result in (Result.FAILED, Result.CONVERGED)
        assert passes.scene.there() == "db-1=1 web-1=2"
        assert care.told == [], "a repair is no release"
        quiet(passes, 2)
    entry = next(e for e in passes.reconciler.look().plan.entries if e.name == "web")
    assert entry.change is Change.BLOCKED
    assert "and stays: it is" in entry.cause


def test_a_fixed_image_is_a_new_release() -> None:
    passes, _ = stage(label="irreversible")
    passes.release(web="2")
    passes.once()
    passes.release(web="3")
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.there() == "db-1=1 web-1=3"


def test_unblocking_what_stays_leaves_it_as_it_is() -> None:
    passes, _ = stage(label="irreversible")
    passes.release(web="2")
    passes.once()
    passes.journal.unblock(passes.scene.env, ["web"], passes.scene.clock.now())
    quiet(passes, 2)
    assert passes.scene.there() == "db-1=1 web-1=2"


def test_what_never_ran_goes_back_while_what_ran_stays() -> None:
    passes, _ = stage(Uses("db", contract=IRREVERSIBLE))
    passes.scene.define(svc("db"), svc("web", needs=["db"]))
    passes.commit("Depend")
    passes.once()
    passes.scene.behave("web", "2", Behaviour(refuses="no such device"))
    passes.release(web="2", db="2")
    assert passes.once().result is Result.ROLLBACK_FAILED
    assert passes.scene.there() == "db-1=2 web-1=1"
    assert (kept(passes), {service for service, _ in blocked(passes)}) == (["db"], {"db", "web"})
    quiet(passes)
    assert passes.scene.there() == "db-1=2 web-1=1"


def test_a_release_whose_dangerous_part_never_ran_goes_back_as_a_whole() -> None:
    passes, _ = stage(Uses("web", contract=IRREVERSIBLE))
    passes.scene.behave("web", "2", Behaviour(refuses="no such device"))
    passes.release(web="2", db="2")
    assert passes.once().result is Result.ROLLED_BACK
    assert passes.scene.there() == "db-1=1 web-1=1"


def test_a_new_definition_of_the_same_image_does_nothing_to_data() -> None:
    passes, _ = stage(Uses("web", contract=IRREVERSIBLE))
    passes.scene.answer("front", lambda count: BAD if passes.scene.world.named("shop-web-1").starts else GOOD)
    passes.scene.define(replace(passes.scene.services[0], config_hash="other"), passes.scene.services[1])
    passes.commit("Another definition")
    report = passes.once()
    assert report.outcome is not None
    assert report.outcome.staying is None


def test_an_interrupted_release_is_left_for_the_next_pass_to_judge() -> None:
    passes, _ = stage(label="irreversible")
    passes.scene.answer("front", lambda _: GOOD)
    passes.release(web="2")
    passes.scene.interrupted = lambda: image("web", "2") in passes.scene.world.running().values()
    report = passes.once()
    assert report.result is Result.FAILED
    assert "left as it is, for the next pass" in notes(report)
    assert passes.scene.running() == "db-1=1 web-1=2"
    assert passes.journal.blocked == []
    passes.scene.interrupted = lambda: False
    settled(passes)
    assert passes.scene.there() == "db-1=1 web-1=2"
    assert passes.journal.blocked == []


def test_a_check_that_could_not_be_made_keeps_it_until_it_can() -> None:
    passes, _ = stage(label="irreversible")
    silent = [True]
    passes.scene.answer(
        "front",
        lambda _: (
            NO_EVIDENCE if silent[0] and image("web", "2") in passes.scene.world.running().values() else GOOD
        ),
    )
    passes.release(web="2")
    assert passes.once().result is Result.ROLLBACK_FAILED
    assert kept(passes) == ["web"]
    silent[0] = False
    settled(passes)
    assert passes.scene.there() == "db-1=1 web-1=2"
    assert passes.journal.blocked == []


@pytest.mark.parametrize("label", ["irreversible", "needs-restore"])
def test_killed_anywhere_what_ran_stays_or_was_never_started(label: str) -> None:
    """Every change on the host and every write of the journal is a place to be killed at."""
    points = ("engine.start", "engine.stop", "engine.remove", "engine.rename", "engine.set_restart_policy")
    steps = ("step.switch", "step.gate", "step.remove")
    kills = 0
    for point in [f"{p}:{side}" for p in (*points, *steps) for side in ("before", "after")]:
        time = 1
        while True:
            passes, care = stage(label=label)
            passes.release(web="2")
            if not killed_at_failpoint(passes, point, time):
                break
            settled(passes)
            assert passes.scene.there() == "db-1=1 web-1=2", point
            assert kept(passes) == ["web"], point
            assert safe(care.events), point
            assert passes.pinned()["web"] == "2", point
            time += 1
            kills += 1
    assert kills > 12


# --- the program restores by itself -------------------------------------------------------------


def test_data_goes_back_after_its_writers_stopped_and_before_what_ran_starts() -> None:
    passes, care = stage(label="needs-restore", restore=AUTO)
    passes.release(web="2")
    report = passes.once()
    assert report.result is Result.ROLLED_BACK
    assert care.told == [
        ("back up", "db-1 web-1"),
        ("bring back backup-1", "db-1"),
        ("follow", "db-1 web-1"),
    ]
    assert "the search was filled again" in notes(report)
    assert passes.scene.there() == "db-1=1 web-1=1"
    assert passes.pinned()["web"] == "1"
    assert "backup-1 is back" in notes(report)
    assert [block.kept for block in passes.journal.blocked] == [None]
    quiet(passes)


def test_an_irreversible_release_is_not_restored_either() -> None:
    passes, care = stage(label="irreversible", restore=AUTO)
    passes.release(web="2")
    assert passes.once().result is Result.ROLLBACK_FAILED
    assert [what for what, _ in care.told] == ["back up"]


def test_where_it_can_be_told_that_the_data_cannot_come_back_nothing_is_stopped() -> None:
    passes, care = stage(label="needs-restore", restore=AUTO)
    care.fail("can_bring_back")
    passes.release(web="2")
    report = passes.once()
    assert report.result is Result.ROLLBACK_FAILED
    assert "the data cannot be brought back now: CouchDB does not answer" in notes(report)
    assert passes.scene.there() == "db-1=1 web-1=2"
    assert kept(passes) == ["web"]


def test_a_restore_that_fails_leaves_nothing_running_on_that_data_and_the_next_pass_goes_on() -> None:
    passes, care = stage(label="needs-restore", restore=AUTO)
    care.fail("bring_back", times=2)
    passes.release(web="2")
    report = passes.once()
    assert report.result is Result.ROLLBACK_FAILED
    assert "the data could not be brought back: CouchDB does not answer" in notes(report)
    assert passes.scene.running() == "db-1=1"
    again = passes.once()
    assert isinstance(again.error, DataUnreachable)
    assert passes.scene.running() == "db-1=1"
    settled(passes)
    assert passes.scene.there() == "db-1=1 web-1=1"
    assert passes.pinned()["web"] == "1"


def test_killed_anywhere_what_ran_before_is_not_started_before_its_data_is_back() -> None:
    points = ("engine.start", "engine.stop", "engine.rename", "engine.set_restart_policy", "engine.remove")
    steps = (
        "step.switch",
        "step.gate",
        "step.stop",
        "step.restore",
        "step.verify",
        "step.remove",
        "step.revert",
    )
    kills = 0
    for point in [f"{p}:{side}" for p in (*points, *steps) for side in ("before", "after")]:
        time = 1
        while True:
            passes, care = stage(label="needs-restore", restore=AUTO)
            passes.release(web="2")
            if not killed_at_failpoint(passes, point, time):
                break
            settled(passes)
            assert passes.scene.there() == "db-1=1 web-1=1", (point, time)
            assert passes.pinned()["web"] == "1", (point, time)
            brought = [running for what, running in care.told if what.startswith("bring back")]
            assert safe(care.events), (point, time, care.events)
            assert set(brought) == {"db-1"}, (point, time, "nobody writes meanwhile")
            time += 1
            kills += 1
    assert kills > 20


# --- backups ------------------------------------------------------------------------------------


def test_a_backup_that_fails_stops_the_release_with_nothing_touched() -> None:
    passes, care = stage()
    care.fail("back_up")
    passes.release(web="2")
    report = passes.once()
    assert isinstance(report.error, DataUnreachable)
    assert passes.scene.there() == "db-1=1 web-1=1"
    assert not [call for call in passes.scene.did if call.startswith(("stop", "start", "rename"))]
    assert passes.journal.blocked == []


def test_a_way_back_is_not_stopped_by_a_backup_that_fails() -> None:
    passes, care = stage()
    passes.release(db="2")
    assert passes.once().result is Result.CONVERGED
    care.fail("back_up")
    passes.release(db="1")
    report = passes.once()
    assert report.result is Result.CONVERGED
    assert "there is no backup of before: CouchDB does not answer" in notes(report)


def test_repairs_are_not_backed_up_and_neither_is_what_was_switched_already() -> None:
    passes, care = stage()
    passes.scene.world.vanish("shop-db-1")
    assert passes.once().result is Result.CONVERGED
    assert care.told == []
    passes.release(db="2")
    assert killed_at_failpoint(passes, "step.gate:before", 1)
    assert passes.once().result is Result.CONVERGED
    assert care.told == [("back up", "db-1 web-1")]


def test_the_first_deployment_of_an_environment_is_not_backed_up() -> None:
    """The database may be part of it."""
    hook = Hook(Moment.BEFORE_RELEASE, ("dump",), "db")
    passes = Passes(Scene((svc("web"), svc("db")), env=environment(data=Data(hooks=(hook,)))))
    passes.care = care = FakeCare(passes.scene.world)
    care.fail("back_up")
    assert passes.once().result is Result.CONVERGED
    assert care.told == []
    assert passes.scene.hooks.ran == []


# --- late, and by hand --------------------------------------------------------------------------


def late(passes: Passes) -> Report:
    """`web` 2 was kept, and fails by now: what an observation does then."""
    from reconciler.app.observation import observe

    fails = [False]
    world, two = passes.scene.world, image("web", "2")
    passes.scene.answer("front", lambda _: BAD if fails[0] and two in world.running().values() else GOOD)
    passes.scene.attended = True
    passes.release(web="2")
    report = passes.once()
    assert report.result is Result.CONVERGED
    fails[0] = True
    observed = observe(passes.reconciler, report)
    assert observed is not None
    assert observed.report is not None
    return observed.report


@pytest.mark.parametrize("label", ["irreversible", "needs-restore"])
@pytest.mark.parametrize("restore", [ASK, AUTO])
def test_what_fails_late_stays_too(label: str, restore: RestorePolicy) -> None:
    passes, care = stage(label=label, restore=restore)
    report = late(passes)
    assert report.result is Result.ROLLBACK_FAILED
    assert f"web stays although rejected, because the release is {label}" in notes(report)
    assert passes.scene.there() == "db-1=1 web-1=2"
    assert passes.pinned()["web"] == "2"
    assert [what for what, _ in care.told] == ["back up"]
    if label == "needs-restore":
        assert "--backup backup-1 brings" in notes(report)
    quiet(passes)


def test_what_fails_late_and_is_compatible_goes_back() -> None:
    passes, _ = stage()
    assert late(passes).result is Result.ROLLED_BACK
    assert passes.scene.there() == "db-1=1 web-1=1"


def test_once_a_person_brought_its_data_back_what_stayed_goes_back() -> None:
    passes, _ = stage(label="needs-restore")
    passes.release(web="2")
    passes.once()
    running = Pass(passes.reconciler, passes.scene.clock.now())
    desired = passes.reconciler.look().desired
    assert data_was_restored(running._rejection(), desired) == ("web",)
    settled(passes)
    assert passes.scene.there() == "db-1=1 web-1=1"
    assert passes.pinned()["web"] == "1"


@pytest.mark.parametrize(
    ("label", "refused"),
    [
        ("", ""),
        ("compatible", ""),
        ("needs-restore", "Bring the data back"),
        ("irreversible", "--data-stays"),
    ],
)
def test_going_back_by_hand_is_refused_where_data_is_in_the_way(label: str, refused: str) -> None:
    passes, _ = stage(label=label)
    passes.scene.answer("front", lambda _: GOOD)
    passes.release(web="2")
    assert passes.once().result is Result.CONVERGED
    env, world = passes.scene.env, passes.scene.world

    def back() -> None:
        passes.pins.roll_back(
            env,
            (),
            require=lambda moves: refuse_behind_data(
                env, moves, world.observe(env.project), passes.journal.blocks(env)
            ),
        )

    if refused:
        with pytest.raises(Refused, match="web of production cannot simply go back") as caught:
            back()
        assert refused in caught.value.hint
        assert passes.pinned()["web"] == "2"
    else:
        back()
        assert passes.pinned()["web"] == "1"


def test_going_back_in_git_only_is_fine_where_the_release_does_not_run_any_more() -> None:
    passes, _ = stage(Uses("web", contract=COMPATIBLE), git=GitPolicy.OFF)
    passes.release(web="2")
    assert passes.once().result is Result.ROLLED_BACK
    env = passes.scene.env
    strict = replace(env, data=Data(uses=(Uses("web", contract=IRREVERSIBLE),)))
    moved = passes.pins.roll_back(
        env,
        (),
        require=lambda moves: refuse_behind_data(
            strict, moves, passes.scene.world.observe(env.project), passes.journal.blocks(env)
        ),
    )
    assert [move.service for move in moved.moves] == ["web"]


def test_without_an_engine_the_file_decides() -> None:
    from reconciler.app.release import Move

    env = environment(data=Data(uses=(Uses("web", contract=IRREVERSIBLE),)))
    with pytest.raises(Refused):
        refuse_behind_data(env, [Move("web", image("web", "2"), image("web", "1"))], None, ())
    refuse_behind_data(environment(), [Move("web", image("web", "2"), image("web", "1"))], None, ())
