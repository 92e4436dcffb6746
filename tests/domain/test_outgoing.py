"""What becomes of messages that wait, and after each attempt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from reconciler.domain.events import Delivery, Message
from reconciler.domain.outgoing import (
    LONGEST_TROUBLE,
    MOST_WAITING,
    as_told,
    delivered,
    failed,
    given_up,
    left_out,
    sending,
)
from reconciler.domain.severity import Severity
from tests.bed.journal_values import AT
from tests.bed.notice_values import event

MESSAGE = Message(1, "hook", event("1"))


def test_pauses_grow_to_two_hours() -> None:
    message, waited = MESSAGE, []
    for _ in range(6):
        message = failed(sending(message, AT), AT, "no answer")
        assert message.again_at is not None
        waited.append((message.again_at - AT).total_seconds())
    assert waited == [5, 30, 180, 1080, 6480, 7200]
    assert (message.state, message.attempts) == (Delivery.WAITING, 6)


def test_a_channel_may_ask_for_a_longer_pause_but_not_for_a_shorter_one() -> None:
    tried = sending(MESSAGE, AT)
    assert failed(tried, AT, "429", 60.0).again_at == AT + timedelta(seconds=60)
    assert failed(tried, AT, "429", 1.0).again_at == AT + timedelta(seconds=5)
    assert failed(tried, AT, "429", 1e12).again_at == AT + timedelta(days=1)


def test_what_a_channel_says_is_bounded() -> None:
    assert len(failed(MESSAGE, AT, "x" * 9999).trouble) == LONGEST_TROUBLE
    assert len(given_up(MESSAGE, "x" * 9999).trouble) == LONGEST_TROUBLE


def test_what_arrived_has_no_trouble_left() -> None:
    done = delivered(sending(failed(sending(MESSAGE, AT), AT, "no answer"), AT), '{"id": 1}')
    assert (done.state, done.attempts, done.again_at, done.trouble) == (Delivery.DELIVERED, 2, None, "")
    assert done.receipt == '{"id": 1}'


def test_the_oldest_of_the_least_is_left_out_and_the_next_says_so() -> None:
    waiting = [replace(MESSAGE, number=n, event=event(str(n), severity=Severity.HIGH)) for n in range(1001)]
    assert left_out(waiting[:MOST_WAITING]) is None
    for place in (5, 7):
        waiting[place] = replace(waiting[place], event=event(str(place)), merged=2)
    found = left_out(waiting)
    assert found is not None
    gone, instead = found
    assert (gone.number, instead.number, instead.merged) == (5, 6, 3)
    told = as_told(instead)
    assert told.summary == "event 6 (3 earlier messages are left out, because too many waited)"
    assert as_told(MESSAGE) is MESSAGE.event


def test_what_is_being_sent_stays() -> None:
    waiting = [replace(MESSAGE, number=n) for n in range(1001)]
    waiting[0] = sending(waiting[0], AT)
    found = left_out(waiting)
    assert found is not None
    assert found[0].number == 1
