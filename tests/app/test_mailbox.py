"""Wakes on their way: a burst is one, and nothing that matters is lost."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from reconciler.app.mailbox import MOST, Mailbox
from reconciler.domain.triggers import Cause, Wake

COMMIT = Wake(Cause.COMMIT, detail="HEAD")
ENGINE = Wake(Cause.ENGINE, frozenset({"shop"}), "die web-1")
PATIENCE_SECONDS = 20.0


def at_once_when_heard(wakes: Sequence[Wake]) -> float:
    return 0.0 if wakes else PATIENCE_SECONDS


def taking(mailbox: Mailbox) -> tuple[threading.Thread, list[tuple[Wake, ...]]]:
    """A thread that takes once, and what it took."""
    taken: list[tuple[Wake, ...]] = []
    thread = threading.Thread(target=lambda: taken.append(mailbox.take(at_once_when_heard)))
    thread.start()
    return thread, taken


def test_a_burst_of_a_thousand_is_taken_as_one() -> None:
    mailbox = Mailbox()
    for number in range(1000):
        mailbox.put(Wake(Cause.ENGINE, frozenset({"shop"}), f"die web-{number}"))
    assert len(mailbox.take(at_once_when_heard)) == MOST
    assert mailbox.take(lambda _wakes: 0.0) == ()


def test_the_same_wake_is_kept_once() -> None:
    mailbox = Mailbox()
    for _ in range(3):
        mailbox.put(COMMIT)
    mailbox.put(ENGINE)
    assert mailbox.take(at_once_when_heard) == (COMMIT, ENGINE)


def test_who_waits_is_woken() -> None:
    mailbox = Mailbox()
    thread, taken = taking(mailbox)
    mailbox.put(ENGINE)
    thread.join(PATIENCE_SECONDS / 2)
    assert taken == [(ENGINE,)]


def test_when_it_is_time_nothing_is_taken() -> None:
    assert Mailbox().take(lambda _wakes: 0.0) == ()


def test_a_wake_may_be_told_to_wait() -> None:
    """After a failure the host makes nobody hurry; a commit does."""
    mailbox = Mailbox()
    mailbox.put(ENGINE)
    asked: list[tuple[Wake, ...]] = []

    def until_a_commit(wakes: Sequence[Wake]) -> float:
        asked.append(tuple(wakes))
        if len(asked) == 1:
            threading.Thread(target=mailbox.put, args=[COMMIT]).start()
        return 0.0 if COMMIT in wakes else PATIENCE_SECONDS

    assert mailbox.take(until_a_commit) == (ENGINE, COMMIT)


def test_closed_nobody_waits_and_nothing_is_taken() -> None:
    mailbox = Mailbox()
    thread, taken = taking(mailbox)
    mailbox.close()
    thread.join(PATIENCE_SECONDS / 2)
    mailbox.put(COMMIT)
    assert mailbox.closed
    assert taken == [()]
    assert mailbox.take(at_once_when_heard) == ()
