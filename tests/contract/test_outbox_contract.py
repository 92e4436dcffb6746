"""What holds for every outbox: the one in a file, and the fake of the use cases' tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.adapters.host_state import Place, SqliteOutbox
from reconciler.domain.events import Delivery, Kind, Message
from reconciler.domain.outgoing import MOST_WAITING, delivered, failed, given_up, sending
from reconciler.domain.severity import Severity
from reconciler.domain.told import Told
from reconciler.ports import Outbox
from tests.bed.fake_outbox import FakeOutbox
from tests.bed.journal_values import AT, ENV, HOSTILE
from tests.bed.notice_values import event, failure

Reopen = Callable[[], Outbox]


@pytest.fixture(params=["fake", "sqlite"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    """Opens the outbox: the first time, and as the next process would."""
    if request.param == "fake":
        fake = FakeOutbox()
        return lambda: fake
    return lambda: SqliteOutbox(Place(tmp_path / "state", "unix:///engine.sock"))


@pytest.fixture
def outbox(reopen: Reopen) -> Outbox:
    return reopen()


def keys(messages: tuple[Message, ...]) -> list[str]:
    """What waits, as `CHANNEL KEY`."""
    return [f"{one.channel} {one.event.key.removeprefix('production/')}" for one in messages]


def test_an_unknown_outbox_has_nothing(outbox: Outbox) -> None:
    assert outbox.told(ENV) == Told()
    assert (outbox.due(ENV, AT), outbox.waiting(ENV)) == ((), ())
    assert outbox.receipts(ENV, "hook", "production/0RUN") == ()


def test_an_event_comes_back_as_it_was(outbox: Outbox, reopen: Reopen) -> None:
    hostile = event("1", Kind.REJECTED, reason=HOSTILE, subject=HOSTILE, severity=Severity.HIGH)
    outbox.put(ENV, hostile, ["hook", "chat"])
    found = reopen().due(ENV, AT)
    assert [(one.channel, one.event, one.state) for one in found] == [
        ("hook", hostile, Delivery.WAITING),
        ("chat", hostile, Delivery.WAITING),
    ]


def test_one_key_is_one_event_even_after_it_was_delivered(outbox: Outbox, reopen: Reopen) -> None:
    outbox.put(ENV, event("1"), ["hook"])
    outbox.put(ENV, event("1", summary="another"), ["hook", "chat"])
    (only,) = outbox.due(ENV, AT)
    assert (only.channel, only.event.summary) == ("hook", "event 1")
    outbox.note(ENV, delivered(only, ""))
    reopen().put(ENV, event("1"), ["hook"])
    assert reopen().due(ENV, AT) == ()


def test_each_channel_is_told_in_order(outbox: Outbox, reopen: Reopen) -> None:
    outbox.put(ENV, event("1"), ["hook", "chat"])
    outbox.put(ENV, event("2"), ["hook"])
    outbox.put(ENV, event("3"), ["hook", "chat"])
    assert keys(outbox.due(ENV, AT)) == ["hook 1", "chat 1"]
    outbox.note(ENV, delivered(outbox.due(ENV, AT)[0], ""))
    assert keys(reopen().due(ENV, AT)) == ["chat 1", "hook 2"]
    outbox.note(ENV, given_up(outbox.due(ENV, AT)[0], "410 Gone"))
    assert keys(reopen().due(ENV, AT)) == ["hook 2", "chat 3"]
    assert keys(outbox.waiting(ENV)) == ["chat 1", "hook 2", "hook 3", "chat 3"]


def test_what_failed_waits_and_what_comes_after_it_as_well(outbox: Outbox, reopen: Reopen) -> None:
    outbox.put(ENV, event("1"), ["hook"])
    outbox.put(ENV, event("2"), ["hook", "chat"])
    (first, _) = outbox.due(ENV, AT)
    outbox.note(ENV, failed(sending(first, AT), AT, HOSTILE))
    again = reopen()
    assert keys(again.due(ENV, AT)) == ["chat 2"]
    assert keys(again.due(ENV, AT + timedelta(seconds=5))) == ["hook 1", "chat 2"]
    waits = again.waiting(ENV)[0]
    assert (waits.attempts, waits.again_at, waits.trouble) == (1, AT + timedelta(seconds=5), HOSTILE)


def test_what_was_being_sent_is_due_and_says_so(outbox: Outbox, reopen: Reopen) -> None:
    outbox.put(ENV, event("1"), ["hook"])
    outbox.note(ENV, sending(outbox.due(ENV, AT)[0], AT))
    assert reopen().due(ENV, AT) == (), "it is tried again after a pause"
    (found,) = reopen().due(ENV, AT + timedelta(seconds=5))
    assert found.state is Delivery.SENDING


def test_receipts_of_one_incident_on_one_channel(outbox: Outbox, reopen: Reopen) -> None:
    for name, incident in (("1", "a"), ("2", "b"), ("3", "a"), ("4", ""), ("5", "a")):
        outbox.put(ENV, event(name, incident=incident), ["hook", "chat"])
    for _ in range(4):
        for one in outbox.due(ENV, AT):
            outbox.note(ENV, delivered(one, f'{{"id": "{one.event.key}"}}'))
    found = reopen().receipts(ENV, "hook", "a")
    assert [(one.event.key, one.receipt) for one in found] == [
        (f"production/{name}", f'{{"id": "production/{name}"}}') for name in ("1", "3")
    ]
    assert outbox.receipts(ENV, "hook", "") == ()


def test_what_was_told_is_known_to_the_next_process(outbox: Outbox, reopen: Reopen) -> None:
    begun, broken = event("1", Kind.RELEASE_STARTED), failure("2", HOSTILE)
    outbox.put(ENV, begun, ["hook"])
    outbox.put(ENV, broken, ["chat"])
    outbox.put(ENV, broken, ["hook"])
    told = reopen().told(ENV)
    assert told == Told().after(begun, ["hook"]).after(broken, ["chat"])
    assert told.trouble is not None
    assert told.trouble.channels == ("chat",)
    outbox.put(ENV, event("3", Kind.RECOVERED), ["chat"])
    assert reopen().told(ENV) == Told(begun)


def test_what_nobody_wants_to_hear_is_remembered_as_told(outbox: Outbox) -> None:
    outbox.put(ENV, failure("1", "the engine is away"), [])
    assert outbox.waiting(ENV) == ()
    assert outbox.told(ENV).knows(failure("2", "the engine is away"))


def test_too_many_are_thinned_out_from_the_least(outbox: Outbox, reopen: Reopen) -> None:
    for number in range(MOST_WAITING):
        grave = Severity.HIGH if number < 2 else Severity.LOW
        outbox.put(ENV, event(str(number), severity=grave), ["hook"])
    for number in range(3):
        outbox.put(ENV, event(f"more {number}", severity=Severity.CRITICAL), ["hook", "chat"])
    waiting = [one for one in reopen().waiting(ENV) if one.channel == "hook"]
    assert len(waiting) == MOST_WAITING
    assert keys(tuple(waiting[:3])) == ["hook 0", "hook 1", "hook 5"]
    assert [one.merged for one in waiting[:4]] == [0, 0, 3, 0]


def test_only_one_process_delivers(outbox: Outbox, reopen: Reopen) -> None:
    other = reopen()
    with outbox.delivering(ENV) as alone:
        assert alone
        with other.delivering(ENV) as too:
            assert not too
    with other.delivering(ENV) as alone:
        assert alone


def test_one_that_is_merged_or_given_up_stays_so(outbox: Outbox, reopen: Reopen) -> None:
    outbox.put(ENV, event("1"), ["hook"])
    (first,) = outbox.due(ENV, AT)
    outbox.note(ENV, replace(given_up(first, HOSTILE), merged=7))
    assert reopen().waiting(ENV) == (replace(given_up(first, HOSTILE), merged=7),)
    assert reopen().due(ENV, AT + timedelta(days=9)) == ()
