"""Messages on their way: in order, at least once, and again until they arrive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from reconciler.app.dispatching import Dispatcher, delivered_within
from reconciler.app.relay import LONGEST_DETAILS, Relay
from reconciler.domain.channels import Channel
from reconciler.domain.environment import Environment
from reconciler.domain.events import Delivery, Event, Kind
from reconciler.domain.outgoing import MOST_WAITING, sending
from reconciler.domain.severity import Severity
from reconciler.errors import (
    NoticeRefused,
    NoticeUnreachable,
    PermissionRefused,
    ReconcileError,
    Refused,
)
from tests.bed.fake_clock import FakeClock
from tests.bed.fake_outbox import FakeOutbox
from tests.bed.notice_values import event
from tests.bed.recorder import Recorder, notify
from tests.bed.tools import wait_until
from tests.domain.values import environment

AWAY = NoticeUnreachable("it does not answer")


@dataclass
class Post:
    """An environment with channels, and what goes there."""

    channels: Mapping[str, Recorder] = field(default_factory=lambda: {"hook": Recorder()})
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    clock: FakeClock = field(default_factory=FakeClock)
    missing: ReconcileError | None = None
    report: str = ""

    def __post_init__(self) -> None:
        self.env: Environment = replace(environment(), notify=notify(*self.channels))
        self.relay = self.anew()

    def anew(self) -> Relay:
        """As the next process has it."""
        return Relay(self.env, self.outbox, self.clock, self.connect, lambda _event: self.report)

    def connect(self, channel: Channel) -> Recorder:
        if self.missing is not None:
            raise self.missing
        return self.channels[channel.name]

    def put(self, *events: Event) -> None:
        for one in events:
            self.outbox.put(self.env, one, list(self.channels))

    def deliver(self, *, after: float = 0.0) -> None:
        self.clock.passed += after
        self.relay.deliver()

    @property
    def hook(self) -> Recorder:
        return self.channels["hook"]


def soon(reached: Callable[[], bool]) -> None:
    wait_until(reached, seconds=20, what="what another thread does")


def numbered(count: int) -> list[Event]:
    return [event(str(number)) for number in range(count)]


def test_everything_is_told_once_in_order_with_what_was_told_before() -> None:
    post = Post()
    post.put(*numbered(3))
    post.deliver()
    post.deliver()
    assert post.hook.events == numbered(3)
    assert [[one.receipt for one in earlier] for earlier in post.hook.earlier] == [
        [],
        ['{"number": 1}'],
        ['{"number": 1}', '{"number": 2}'],
    ]
    assert post.hook.again == [False, False, False]
    assert post.outbox.waiting(post.env) == ()


def test_a_channel_that_is_away_is_tried_again_later_and_holds_up_no_other() -> None:
    post = Post({"hook": Recorder(fails=AWAY), "chat": Recorder()})
    post.put(*numbered(2))
    post.deliver()
    assert (post.hook.tried, post.channels["chat"].kinds) == (1, ["converged", "converged"])
    post.deliver(after=4)
    assert post.hook.tried == 1
    post.deliver(after=1)
    post.deliver(after=29)
    assert post.hook.tried == 2
    post.hook.fails = None
    post.deliver(after=1)
    assert post.hook.events == numbered(2)
    assert post.hook.again == [True, False], "its answer may have got lost"


def test_what_failed_before_is_tried_after_the_others() -> None:
    """A single run has a few seconds: a channel that hangs must not use them up each time."""
    tried: list[str] = []
    post = Post(
        {
            "hook": Recorder(fails=AWAY, before=lambda: tried.append("hook")),
            "chat": Recorder(before=lambda: tried.append("chat")),
        }
    )
    post.put(event("1"))
    post.deliver()
    post.put(event("2"))
    post.deliver(after=5)
    assert tried == ["hook", "chat", "chat", "hook"]


def test_a_channel_that_asks_for_a_pause_gets_it() -> None:
    post = Post({"hook": Recorder(fails=NoticeUnreachable("429 Too Many Requests", after_seconds=60.0))})
    post.put(*numbered(1))
    post.deliver()
    post.deliver(after=59)
    assert post.hook.tried == 1
    post.deliver(after=1)
    assert post.hook.tried == 2


def test_what_is_refused_is_given_up_and_the_next_is_tried() -> None:
    post = Post({"hook": Recorder(fails=NoticeRefused("410 Gone"))})
    post.put(*numbered(1))
    post.deliver()
    (lost,) = post.outbox.waiting(post.env)
    assert (lost.state, lost.trouble) == (Delivery.GIVEN_UP, "410 Gone")
    post.hook.fails = None
    post.put(event("next"))
    post.deliver(after=9000)
    assert [one.key for one in post.hook.events] == ["production/next"]


def test_a_secret_that_is_missing_can_be_set_later() -> None:
    post = Post(missing=Refused("SLACK_URL has no value here"))
    post.put(*numbered(1))
    post.deliver()
    (waits,) = post.outbox.waiting(post.env)
    assert (waits.state, waits.trouble) == (Delivery.WAITING, "SLACK_URL has no value here")
    post.missing = None
    post.deliver(after=5)
    assert post.hook.events == numbered(1)


def test_a_channel_that_is_gone_from_the_settings_is_given_up() -> None:
    post = Post()
    post.outbox.put(post.env, event("1"), ["old"])
    post.deliver()
    (lost,) = post.outbox.waiting(post.env)
    assert (lost.state, lost.trouble) == (
        Delivery.GIVEN_UP,
        "reconcile.yaml has no channel of this name any more",
    )


def test_what_a_killed_process_was_sending_is_sent_again_and_says_so() -> None:
    post = Post()
    post.put(*numbered(2))
    post.outbox.note(post.env, sending(post.outbox.due(post.env, post.clock.now())[0], post.clock.now()))
    post.deliver()
    assert post.hook.tried == 0, "it may hang for longer than we live: not at once"
    post.deliver(after=5)
    assert post.hook.again == [True, False]


def test_what_cannot_be_written_down_is_not_sent() -> None:
    post = Post()
    post.put(*numbered(1))
    post.outbox.refuses = True
    with pytest.raises(PermissionRefused):
        post.deliver()
    assert post.hook.tried == 0


def test_an_arrival_that_cannot_be_written_down_is_sent_once_more() -> None:
    post = Post()
    post.put(*numbered(1))

    def full() -> None:
        post.outbox.refuses = True

    post.hook.before = full
    with pytest.raises(PermissionRefused):
        post.deliver()
    post.outbox.refuses, post.hook.before = False, lambda: None
    post.deliver(after=5)
    assert post.hook.again == [False, True]


def test_a_thousand_events_while_every_channel_is_down_arrive_in_order_afterwards() -> None:
    post = Post({"hook": Recorder(fails=AWAY), "chat": Recorder(fails=AWAY)})
    for number in range(MOST_WAITING):
        post.put(event(str(number)))
        post.deliver(after=7.2)
    assert post.hook.tried < 10, "each failure is followed by a longer pause"
    for recorder in post.channels.values():
        recorder.fails = None
    post.relay = post.anew()
    post.deliver(after=7200)
    for recorder in post.channels.values():
        assert recorder.events == numbered(MOST_WAITING)
    assert post.outbox.waiting(post.env) == ()


def test_more_than_a_thousand_are_thinned_out_and_the_next_one_says_so() -> None:
    post = Post()
    post.put(*numbered(MOST_WAITING))
    post.put(event("last", Kind.ROLLBACK_FAILED, severity=Severity.CRITICAL))
    post.deliver()
    assert len(post.hook.events) == MOST_WAITING
    assert post.hook.events[0].summary == "event 1 (1 earlier message is left out, because too many waited)"
    assert post.hook.kinds[-1] == "rollback-failed"


def test_reports_go_with_a_message_as_long_as_they_fit() -> None:
    post = Post(report="x" * 100_000)
    post.put(*numbered(1))
    post.deliver()
    assert len(post.hook.events[0].details) == LONGEST_DETAILS


def test_it_ends_between_two_messages() -> None:
    post = Post()
    post.put(*numbered(3))
    post.relay.deliver(ending=lambda: post.hook.tried == 2)
    assert post.hook.tried == 2
    assert len(post.outbox.waiting(post.env)) == 1


def test_only_one_process_delivers() -> None:
    post = Post()
    post.put(*numbered(1))
    with post.outbox.delivering(post.env):
        post.deliver()
    assert post.hook.tried == 0


# --- beside what reconciles ----------------------------------------------------------------------------


def test_the_daemon_delivers_beside_its_passes_and_ends_though_a_channel_hangs() -> None:
    post, hangs, complaints = Post(), threading.Event(), list[str]()
    dispatcher = Dispatcher(complaints.append, look_seconds=0.02, end_seconds=0.2)
    dispatcher.over(post.relay)
    post.put(*numbered(1))
    soon(lambda: post.hook.tried == 1)
    post.hook.before = lambda: hangs.wait(60)
    post.put(event("2"))
    soon(lambda: post.hook.tried == 2)
    dispatcher.end()
    hangs.set()
    assert complaints == []


def test_the_end_of_the_daemon_waits_for_a_delivery_that_is_almost_done() -> None:
    post, goes_on = Post(), threading.Event()
    dispatcher = Dispatcher(lambda _words: None, look_seconds=0.02, end_seconds=20)
    post.hook.before = lambda: goes_on.wait(20)
    post.put(*numbered(1))
    dispatcher.over(post.relay)
    soon(lambda: post.hook.tried == 1)
    threading.Timer(0.1, goes_on.set).start()
    dispatcher.end()
    assert post.outbox.waiting(post.env) == ()


def test_the_daemon_says_why_nobody_is_told_and_tries_again() -> None:
    post, complaints = Post(), list[str]()
    dispatcher = Dispatcher(complaints.append, look_seconds=0.02, end_seconds=0.2)
    post.put(*numbered(1))
    post.outbox.refuses = True
    dispatcher.over(post.relay)
    for _ in range(2):
        soon(lambda: dispatcher._running is not None and dispatcher._running.done())
        dispatcher.over(post.relay)
    assert complaints == ["people are not told: the journal cannot be used: no space is left on the device"]
    post.outbox.refuses = False

    def told() -> bool:
        dispatcher.over(post.relay)
        return post.hook.tried == 1

    soon(told)
    dispatcher.end()


def test_a_single_run_does_not_wait_for_a_channel_that_hangs() -> None:
    hangs = threading.Event()
    stuck, other = Post({"hook": Recorder(before=lambda: hangs.wait(60))}), Post()
    for post in (stuck, other):
        post.put(*numbered(2))
    assert delivered_within(0.3, (stuck.relay, other.relay)) == []
    assert other.hook.events == numbered(2)
    assert stuck.outbox.messages[0].state is Delivery.SENDING
    hangs.set()
    soon(lambda: stuck.outbox.messages[0].state is Delivery.DELIVERED)
    assert stuck.hook.tried == 1, "its time was over"


def test_a_single_run_says_why_nobody_can_be_told() -> None:
    post = Post()
    post.put(*numbered(1))
    post.outbox.refuses = True
    assert delivered_within(5, (post.relay,)) == [
        "people are not told: the journal cannot be used: no space is left on the device"
    ]
