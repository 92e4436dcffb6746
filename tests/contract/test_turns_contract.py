"""What holds for leases and pauses on every engine: the fake one and a real one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconciler.domain.brakes import Pause
from reconciler.errors import LeaseLost, Locked
from tests.contract.turns_bench import BRISK, SILENT, TurnsBench

HERE, THERE = "a lock of this host", "a lock of another host"
RACERS = 6
AT = datetime(2026, 9, 30, 14, 0, 0, 123456, tzinfo=UTC)


def races(turns: TurnsBench) -> tuple[str, ...]:
    """Who gets the lease, of several who want it at once; nobody lets go before all have their answer."""
    together, answered = threading.Barrier(RACERS), threading.Barrier(RACERS)

    def race(number: int) -> str:
        together.wait(20)
        with ExitStack() as held:
            try:
                lease = held.enter_context(turns.leases(f"racer {number}").take(turns.one, str(number), 0.0))
            except Locked:
                lease = None
            answered.wait(20)
            if lease is None:
                return ""
            lease.check()
            return f"racer {number}"

    with ThreadPoolExecutor(RACERS) as pool:
        return tuple(filter(None, pool.map(race, range(RACERS))))


# --- one at a time --------------------------------------------------------------------------------


def test_nobody_holds_what_nobody_took(turns: TurnsBench) -> None:
    assert turns.leases("us").holder(turns.one) is None


def test_the_holder_is_seen_by_everybody_until_it_lets_go(turns: TurnsBench) -> None:
    before = turns.now()
    with turns.leases("us").take(turns.one, HERE, 0.0) as lease:
        lease.check()
        holder = turns.leases("somebody").holder(turns.one)
        assert holder is not None
        assert (holder.who, lease.taken_over) == ("us", None)
        assert before <= holder.since <= turns.now() <= holder.until
        assert (holder.until - turns.now()).total_seconds() <= BRISK.ttl_seconds + 1
    assert turns.leases("us").holder(turns.one) is None


def test_a_second_one_is_told_who_holds_it(turns: TurnsBench) -> None:
    with turns.leases("us").take(turns.one, HERE, 0.0) as lease:
        with (
            pytest.raises(Locked, match="us") as refused,
            turns.leases("others").take(turns.one, THERE, 0.0),
        ):
            pytest.fail("two hold it")
        lease.check()
    assert not isinstance(refused.value, LeaseLost)


def test_a_free_one_can_be_taken_again_and_again(turns: TurnsBench) -> None:
    for who in ("us", "others", "us"):
        with turns.leases(who).take(turns.one, who, 0.0) as lease:
            lease.check()


def test_what_goes_wrong_inside_lets_go_as_well(turns: TurnsBench) -> None:
    with pytest.raises(LookupError), turns.leases("us").take(turns.one, HERE, 0.0):
        raise LookupError
    assert turns.leases("us").holder(turns.one) is None


def test_one_may_wait_for_the_other(turns: TurnsBench) -> None:
    turns.hold_shortly("others", THERE)
    with turns.leases("us").take(turns.one, HERE, 60.0) as lease:
        lease.check()
        assert lease.taken_over is None


def test_environments_do_not_disturb_each_other(turns: TurnsBench) -> None:
    with turns.leases("us").take(turns.one, HERE, 0.0) as first:
        with turns.leases("others").take(turns.two, THERE, 0.0) as second:
            first.check()
            second.check()
        first.check()
        assert turns.leases("us").holder(turns.two) is None


def test_of_many_who_want_a_free_one_exactly_one_gets_it(turns: TurnsBench) -> None:
    for _ in range(5):
        assert len(races(turns)) == 1
        assert turns.leases("us").holder(turns.one) is None


# --- taking over ----------------------------------------------------------------------------------


def test_of_many_who_want_one_that_ran_out_exactly_one_gets_it(turns: TurnsBench) -> None:
    for _ in range(3):
        turns.leave("somebody who is dead", "gone")
        assert len(races(turns)) == 1
        assert turns.leases("us").holder(turns.one) is None


def test_a_holder_of_the_same_identity_is_dead_and_taken_over_at_once(turns: TurnsBench) -> None:
    long = turns.leases("us, before we were killed", BRISK)
    with long.take(turns.one, HERE, 0.0) as earlier:
        with turns.leases("us").take(turns.one, HERE, 0.0) as lease:
            lease.check()
            assert lease.taken_over is not None
            assert lease.taken_over.who == "us, before we were killed"
            with pytest.raises(LeaseLost):
                earlier.check()
        assert turns.leases("us").holder(turns.one) is None


def test_one_that_ran_out_is_taken_over_even_by_those_who_do_not_wait(turns: TurnsBench) -> None:
    turns.leave("somebody who is dead", THERE)
    with turns.leases("us").take(turns.one, HERE, 0.0) as lease:
        assert lease.taken_over is not None
        assert lease.taken_over.who == "somebody who is dead"
        lease.check()


def test_one_that_is_renewed_is_not_taken_over(turns: TurnsBench) -> None:
    with turns.leases("us").take(turns.one, HERE, 0.0) as lease:
        with (
            pytest.raises(Locked),
            turns.leases("others").take(turns.one, THERE, 1.5 * BRISK.ttl_seconds),
        ):
            pytest.fail("two hold it")
        lease.check()


def test_who_was_taken_over_is_told_and_disturbs_nobody(turns: TurnsBench) -> None:
    """It was stopped for a while, and does not know. When it ends, the other's lease stays."""
    with turns.leases("others", SILENT).take(turns.one, THERE, 0.0) as lost, ExitStack() as later:
        lease = later.enter_context(turns.leases("us").take(turns.one, HERE, 60.0))
        for _ in range(2):
            with pytest.raises(LeaseLost):
                lost.check()
        later = later.pop_all()
    with later:
        lease.check()
        holder = turns.leases("somebody").holder(turns.one)
        assert holder is not None
        assert holder.who == "us"


def test_who_was_removed_does_not_come_back(turns: TurnsBench) -> None:
    """It renews all the time; what it renewed is gone, and what stands in its place is not its own."""
    with turns.leases("others").take(turns.one, THERE, 0.0) as lost:
        turns.remove()
        with pytest.raises(LeaseLost):
            lost.check()
        with turns.leases("us", SILENT).take(turns.one, HERE, 0.0) as lease:
            first = turns.leases("us").holder(turns.one)
            assert first is not None
            with pytest.raises(LeaseLost):
                lost.check()
            turns.let_pass(3 * BRISK.renew_seconds)
            assert turns.leases("us").holder(turns.one) == first
            lease.check()


# --- pauses ---------------------------------------------------------------------------------------


def test_nothing_is_paused_that_nobody_paused(turns: TurnsBench) -> None:
    assert turns.pauses.pause(turns.one) is None
    assert turns.pauses.end(turns.one) is None


@pytest.mark.parametrize("until", [None, AT + timedelta(days=1)])
@pytest.mark.parametrize("reason", ["", "Black Friday", 'two\nlines, "quotes", ünïcode, a = b', "x" * 5000])
def test_a_pause_is_kept_as_it_was_said(turns: TurnsBench, reason: str, until: datetime | None) -> None:
    said = Pause(reason, "Ada <ada@example.com>", AT, until)
    turns.pauses.begin(turns.one, said)
    assert turns.pauses.pause(turns.one) == said
    assert turns.pauses.end(turns.one) == said
    assert turns.pauses.pause(turns.one) is None


def test_a_pause_knows_which_services_a_restore_has_stopped(turns: TurnsBench) -> None:
    said = Pause("its data go back", "ada", AT, stops=("api", "web"))
    turns.pauses.begin(turns.one, said)
    assert turns.pauses.pause(turns.one) == said


def test_one_that_is_over_is_still_there(turns: TurnsBench) -> None:
    over = Pause("", "ada", AT, AT + timedelta(minutes=1))
    turns.pauses.begin(turns.one, over)
    found = turns.pauses.pause(turns.one)
    assert found is not None
    assert not found.holds(AT + timedelta(minutes=1))


def test_another_pause_takes_the_place_of_the_first(turns: TurnsBench) -> None:
    for number in range(3):
        turns.pauses.begin(turns.one, Pause(f"reason {number}", "ada", AT + timedelta(seconds=number)))
    found = turns.pauses.end(turns.one)
    assert found is not None
    assert found.reason == "reason 2"
    assert turns.pauses.pause(turns.one) is None


def test_times_of_other_zones_are_the_same_moments(turns: TurnsBench) -> None:
    there = timezone(timedelta(hours=-9, minutes=-30))
    turns.pauses.begin(turns.one, Pause("", "", AT.astimezone(there), AT.astimezone(there)))
    assert turns.pauses.pause(turns.one) == Pause("", "", AT, AT)


def test_a_pause_is_of_one_environment(turns: TurnsBench) -> None:
    turns.pauses.begin(turns.one, Pause("", "ada", AT))
    assert turns.pauses.pause(turns.two) is None
    turns.pauses.begin(turns.two, Pause("another", "ada", AT))
    assert turns.pauses.end(turns.one) == Pause("", "ada", AT)
    assert turns.pauses.end(turns.two) == Pause("another", "ada", AT)
