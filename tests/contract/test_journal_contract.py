"""What holds for every journal: the one in a file, and the fake of the use cases' tests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from reconciler.adapters.host_state import Place, SqliteJournal
from reconciler.domain.blocking import Kept
from reconciler.domain.data import Contract
from reconciler.domain.journal import Observation, Story
from reconciler.domain.report import Step, Verb
from reconciler.domain.undo import UndoState
from reconciler.ports import Journal
from tests.bed.fake_journal import FakeJournal
from tests.bed.journal_values import AT, ENV, HOSTILE, block, full_story, good, run, undo
from tests.domain.values import COMMIT, image

Reopen = Callable[[], Journal]


@pytest.fixture(params=["fake", "sqlite"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    """Opens the journal: the first time, and as the next process would."""
    if request.param == "fake":
        fake = FakeJournal()
        return lambda: fake
    return lambda: SqliteJournal(Place(tmp_path / "state", "unix:///engine.sock"))


@pytest.fixture
def journal(reopen: Reopen) -> Journal:
    return reopen()


# --- hashes ------------------------------------------------------------------------------------------


def test_an_unknown_journal_knows_nothing(journal: Journal) -> None:
    assert journal.kept(ENV) == {}
    assert (journal.runs(ENV), journal.blocks(ENV), journal.good(ENV)) == ((), (), ())
    assert journal.unblocked(ENV) == {}
    assert (journal.story(ENV, "0"), journal.undo(ENV), journal.observation(ENV)) == (None, None, None)


def test_what_was_kept_is_known_to_the_next_process(journal: Journal, reopen: Reopen) -> None:
    journal.keep(ENV, {"web": "1", "old": "1"})
    journal.keep(ENV, {"web": "2", HOSTILE.encode(errors="replace").decode(): "3"})
    assert reopen().kept(ENV) == {"web": "2", HOSTILE.encode(errors="replace").decode(): "3"}


# --- passes ------------------------------------------------------------------------------------------


def test_ids_are_short_and_sort_by_time(journal: Journal) -> None:
    moments = [AT + timedelta(milliseconds=ms) for ms in (0, 1, 40, 31_536_000_000)]
    ids = [journal.begin(ENV, run(at)) for at in moments]
    assert ids == sorted(ids)
    assert {len(one) for one in ids} == {10}
    assert [one.id for one in journal.runs(ENV)] == ids[::-1]


def test_an_id_tells_the_moment_in_any_time_zone(journal: Journal) -> None:
    here = AT.astimezone(timezone(timedelta(hours=-9)))
    name = journal.begin(ENV, run(here))
    places = ["0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(character) for character in name]
    milliseconds = sum(digit * 32**place for place, digit in enumerate(reversed(places)))
    assert datetime.fromtimestamp(milliseconds / 1000, UTC) == AT.replace(microsecond=123000)


def test_two_passes_of_one_millisecond_are_told_apart(journal: Journal) -> None:
    ids = [journal.begin(ENV, run()) for _ in range(5)]
    assert len(set(ids)) == 5
    assert [one.id for one in journal.runs(ENV)] == ids[::-1]


def test_a_clock_that_is_set_back_does_not_hide_the_newest_pass(journal: Journal) -> None:
    journal.begin(ENV, run())
    later = journal.begin(ENV, run(datetime(1960, 1, 1, tzinfo=UTC)))
    assert [one.id for one in journal.runs(ENV, limit=1)] == [later]


def test_a_pass_under_way_has_no_result_and_the_steps_so_far(journal: Journal, reopen: Reopen) -> None:
    name = journal.begin(ENV, run())
    steps = [Step("pull", "web", 1.5), Step("switch", "web", 0.5, "stop-first", good=False)]
    for step in steps:
        journal.step(ENV, name, step)
    assert reopen().runs(ENV) == (replace(run(), id=name),)
    assert reopen().story(ENV, name) == Story(replace(run(), id=name), steps=tuple(steps))


def test_a_step_is_there_before_it_is_taken(journal: Journal, reopen: Reopen) -> None:
    name = journal.begin(ENV, run())
    journal.begin_step(ENV, name, Verb.SWITCH, HOSTILE, HOSTILE)
    story = reopen().story(ENV, name)
    assert story is not None
    assert story.steps == (Step(Verb.SWITCH, HOSTILE, 0.0, HOSTILE, good=False, finished=False),)


def test_a_step_that_ended_stands_where_it_was_begun(journal: Journal, reopen: Reopen) -> None:
    """Steps overlap, and the same one may be taken twice."""
    name = journal.begin(ENV, run())
    for subject in ("api", "web", "api"):
        journal.begin_step(ENV, name, Verb.PULL, subject, "1.4.2")
    journal.begin_step(ENV, name, Verb.START, "api", "")
    first, second = Step(Verb.PULL, "api", 1.5, "1.4.2"), Step(Verb.PULL, "api", 2.5, good=False)
    for ended in (first, second):
        journal.step(ENV, name, ended)
    story = reopen().story(ENV, name)
    assert story is not None
    assert story.steps == (
        first,
        Step.begun(Verb.PULL, "web", "1.4.2"),
        second,
        Step.begun(Verb.START, "api"),
    )


def test_threads_that_take_steps_at_once_lose_none(journal: Journal) -> None:
    name = journal.begin(ENV, run())

    def take(number: int) -> None:
        journal.begin_step(ENV, name, Verb.PULL, f"web-{number}", "")
        journal.step(ENV, name, Step(Verb.PULL, f"web-{number}", 1.0))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(take, range(20)))
    story = journal.story(ENV, name)
    assert story is not None
    assert {step.subject for step in story.steps} == {f"web-{number}" for number in range(20)}
    assert all(step.finished for step in story.steps)


def test_a_step_of_a_pass_that_is_over_cannot_be_begun(journal: Journal) -> None:
    name = journal.begin(ENV, run())
    story = full_story(replace(run(), id=name))
    journal.finish(ENV, story)
    journal.begin_step(ENV, name, Verb.PULL, "web", "")
    journal.begin_step(ENV, "0NOTTHERE0", Verb.PULL, "web", "")
    assert journal.story(ENV, name) == story
    assert len(journal.runs(ENV)) == 1


def test_the_whole_story_comes_back(journal: Journal, reopen: Reopen) -> None:
    name = journal.begin(ENV, run())
    journal.step(ENV, name, Step("pull", "web", 1.0))
    story = full_story(replace(run(), id=name))
    journal.finish(ENV, story)
    assert reopen().story(ENV, name) == story
    assert reopen().runs(ENV) == (story.run,)


def test_steps_of_a_pass_that_is_over_or_unknown_are_lost(journal: Journal) -> None:
    name = journal.begin(ENV, run())
    story = full_story(replace(run(), id=name))
    journal.finish(ENV, story)
    journal.step(ENV, name, Step("late", "web", 1.0))
    journal.step(ENV, "0NOTTHERE0", Step("late", "web", 1.0))
    assert journal.story(ENV, name) == story
    assert len(journal.runs(ENV)) == 1


def test_a_pass_that_the_journal_lost_can_be_finished(journal: Journal) -> None:
    story = full_story(replace(run(), id="01J9ZM02QX"))
    journal.finish(ENV, story)
    journal.finish(ENV, story)
    assert journal.runs(ENV) == (story.run,)
    assert journal.story(ENV, "01J9ZM02QX") == story


def test_the_newest_passes(journal: Journal) -> None:
    ids = [journal.begin(ENV, run(AT + timedelta(seconds=second))) for second in range(4)]
    assert [one.id for one in journal.runs(ENV, limit=2)] == ids[:1:-1]
    assert len(journal.runs(ENV, limit=0)) == 4


def test_a_story_by_what_a_person_types(journal: Journal) -> None:
    first = journal.begin(ENV, run())
    second = journal.begin(ENV, run(AT + timedelta(days=400)))
    assert first[0] == second[0] == "0"
    shortest = next(n for n in range(11) if first[:n] != second[:n])
    for typed in (
        second[:shortest],
        second[:shortest].lower(),
        f" {second.lower()}",
        second.replace("0", "o"),
    ):
        found = journal.story(ENV, typed)
        assert found is not None, typed
        assert found.run.id == second
    for typed in ("", " ", first[: shortest - 1], f"{first}0", "Z", "%", "_", "~", "é", "'"):
        assert journal.story(ENV, typed) is None, typed


def test_nothing_typed_is_no_id(journal: Journal) -> None:
    """Not even of the only pass that there is."""
    name = journal.begin(ENV, run())
    assert journal.story(ENV, "") is None
    assert journal.story(ENV, name[:1]) is not None


# --- blocked pins ------------------------------------------------------------------------------------


def test_blocks_are_by_content_newest_first(journal: Journal, reopen: Reopen) -> None:
    journal.block(ENV, [block("web", "2"), block("api", "2")])
    journal.block(ENV, [block("web", "3"), block("web", "2", "another model")])
    again = block("web", "2", reason="again", run="0AGAIN", at=AT + timedelta(days=1))
    journal.block(ENV, [again])
    journal.block(ENV, [])
    assert reopen().blocks(ENV) == (
        again,
        block("web", "3"),
        block("web", "2", "another model"),
        block("api", "2"),
    )


@pytest.mark.parametrize("contract", Contract)
@pytest.mark.parametrize("restoring", [False, True])
def test_why_a_blocked_pin_was_not_taken_back(
    journal: Journal, reopen: Reopen, contract: Contract, restoring: bool
) -> None:
    kept = block("web", "2", kept=Kept(contract, "20260930-140100", restoring))
    journal.block(ENV, [block("web", "2")])
    journal.block(ENV, [kept])
    assert reopen().blocks(ENV) == (kept,)


def test_another_tag_of_a_blocked_digest_is_the_same_content(journal: Journal) -> None:
    retagged = block("web", "2", image=image("web", "2").replace(":2@", ":latest@"))
    journal.block(ENV, [block("web", "2")])
    journal.block(ENV, [retagged])
    assert journal.blocks(ENV) == (retagged,)


def test_unblocking_some_services(journal: Journal, reopen: Reopen) -> None:
    journal.block(ENV, [block("web", "2"), block("api", "2"), block("web", "3"), block("db", "2")])
    assert journal.unblock(ENV, ["web", "never"], AT) == (block("web", "2"), block("web", "3"))
    assert reopen().blocks(ENV) == (block("api", "2"), block("db", "2"))
    assert reopen().unblocked(ENV) == {"web": AT, "never": AT}


def test_unblocking_all(journal: Journal) -> None:
    journal.block(ENV, [block("web", "2"), block("api", "2")])
    journal.unblock(ENV, ["web"], AT)
    later = AT + timedelta(hours=1)
    assert journal.unblock(ENV, [], later) == (block("api", "2"),)
    assert journal.blocks(ENV) == ()
    assert journal.unblocked(ENV) == {"web": AT, "": later}
    assert journal.unblock(ENV, [], later + timedelta(hours=1)) == ()


# --- good pins ---------------------------------------------------------------------------------------


def test_good_pins_newest_first(journal: Journal, reopen: Reopen) -> None:
    journal.note_good(ENV, [good("api", "1"), good("web", "1")])
    journal.note_good(ENV, [good("api", "1"), good("web", "2")])
    journal.note_good(ENV, [good("web", "1", "another model")])
    assert reopen().good(ENV) == (
        good("web", "1", "another model"),
        good("api", "1"),
        good("web", "2"),
        good("web", "1"),
    )
    again = replace(good("web", "1"), run="0AGAIN", at=AT + timedelta(days=1))
    journal.note_good(ENV, [again])
    assert journal.good(ENV)[0] == again
    assert len(journal.good(ENV)) == 4


# --- undoing in Git ----------------------------------------------------------------------------------


def test_how_far_an_undoing_has_come(journal: Journal, reopen: Reopen) -> None:
    name = journal.begin(ENV, run())
    journal.note_undo(ENV, undo(name))
    assert reopen().undo(ENV) == undo(name)
    under_way = journal.story(ENV, name)
    assert under_way is not None
    assert under_way.undo == undo(name)
    journal.finish(ENV, replace(full_story(replace(run(), id=name)), undo=undo(name)))
    done = replace(undo(name, UndoState.DONE), commit=COMMIT, attempts=2, again_at=None, detail=HOSTILE)
    journal.note_undo(ENV, done)
    told = reopen().story(ENV, name)
    assert told is not None
    assert told.undo == done
    assert reopen().undo(ENV) == done


def test_the_undoing_that_was_begun_last_stays_the_last(journal: Journal) -> None:
    journal.note_undo(ENV, undo("01A"))
    journal.note_undo(ENV, undo("01B"))
    journal.note_undo(ENV, undo("01A", UndoState.DONE))
    assert journal.undo(ENV) == undo("01B")


def test_the_oldest_undoing_that_is_pending_comes_first(journal: Journal) -> None:
    for name in ("01A", "01B", "01C"):
        journal.note_undo(ENV, undo(name))
    journal.note_undo(ENV, undo("01D", UndoState.DONE))
    for name in ("01A", "01B", "01C"):
        assert journal.undo(ENV) == undo(name)
        journal.note_undo(ENV, undo(name, UndoState.SUPERSEDED))
    assert journal.undo(ENV) == undo("01D", UndoState.DONE)


def test_a_pass_that_carries_out_the_undoing_of_another(journal: Journal) -> None:
    first = journal.begin(ENV, run())
    journal.note_undo(ENV, undo(first))
    journal.finish(ENV, replace(full_story(replace(run(), id=first)), undo=undo(first)))
    second = journal.begin(ENV, run())
    journal.finish(ENV, replace(full_story(replace(run(), id=second)), undo=undo(first)))
    journal.note_undo(ENV, undo(first, UndoState.DONE))
    for name in (first, second):
        story = journal.story(ENV, name)
        assert story is not None
        assert story.undo == undo(first, UndoState.DONE)


def test_a_pass_without_an_undoing_has_none(journal: Journal) -> None:
    first, second = journal.begin(ENV, run()), journal.begin(ENV, run())
    journal.note_undo(ENV, undo(first))
    story = journal.story(ENV, second)
    assert story is not None
    assert story.undo is None


# --- observation -------------------------------------------------------------------------------------


def test_one_release_is_under_observation(journal: Journal, reopen: Reopen) -> None:
    first = Observation("01A", COMMIT, AT + timedelta(hours=1))
    second = replace(first, run="01B", failing=(("front", AT + timedelta(minutes=15)), (HOSTILE, AT)))
    journal.observe(ENV, first)
    journal.observe(ENV, second)
    assert reopen().observation(ENV) == second
    journal.observe(ENV, None)
    assert reopen().observation(ENV) is None
