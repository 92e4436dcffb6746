"""Which commits of a history are rollbacks, told by content: a plain ``git revert`` says so in no trailer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reconciler.domain.blocking import same_pin
from reconciler.domain.history import HistoryRow

Stack = list[tuple[str, str]]
"""The images that a service had, the newest last, each with the commit that pinned it."""


def with_reverts(rows: Sequence[HistoryRow]) -> tuple[HistoryRow, ...]:
    """The rows, of which those that go back to what was pinned before name the commit that they undo.

    It is the rule of ``domain.standing``: a release that was taken back is not gone back to.

    Args:
        rows: the commits of one environment, newest first. What is older than the oldest is not known: only
            what that one replaced.
    """
    return tuple(reversed(list(_told(list(reversed(rows))))))


def _told(rows: Sequence[HistoryRow]) -> Iterator[HistoryRow]:
    stacks: dict[str, Stack] = {}
    order = {row.revision: place for place, row in enumerate(rows)}
    for row in rows:
        undone: list[str] = []
        back = bool(row.changes)
        for service, before, after in row.changes:
            stack = stacks.setdefault(service, [(before, "")] if before else [])
            place = next((k for k, (image, _) in enumerate(stack[:-1]) if _same(image, after)), None)
            if not after:
                back = False
                stack.clear()
            elif place is None:
                back = False
                stack.append((after, row.revision))
            else:
                undone.append(stack[-1][1])
                del stack[place + 1 :]
        newest = max(undone, key=lambda revision: order.get(revision, -1), default="")
        yield replace(row, rollback_of=newest) if back and newest and not row.rollback_of else row


def _same(one: str, other: str) -> bool:
    return bool(one) and bool(other) and same_pin(one, other)
