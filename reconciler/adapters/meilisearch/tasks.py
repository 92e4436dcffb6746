"""The tasks of a MeiliSearch server: what was accepted, followed to its end.

https://www.meilisearch.com/docs/reference/api/tasks
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reconciler.adapters.meilisearch.wire import Object, Wire
from reconciler.errors import DataFailed, DataUnreachable
from reconciler.ports import Clock

FIRST_LOOK_SECONDS = 0.05
LONGEST_LOOK_SECONDS = 1.0
_PAGE = 100
_PAGES = 20


class Status(StrEnum):
    """The server's words for how far a task is."""

    ENQUEUED = "enqueued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


UNDER_WAY = (Status.ENQUEUED, Status.PROCESSING)
_HARMLESS = frozenset({("indexDeletion", "index_not_found"), ("indexCreation", "index_already_exists")})
"""Failures of applications that make sure that an index is there, or is not, without looking."""


@dataclass(frozen=True, slots=True)
class Tasks:
    """The tasks behind ``wire``.

    Args:
        wire: leads to the server.
        clock: tells how long a task takes.
        patience_seconds: how long one task may take, with all that the server has to do before it.
    """

    wire: Wire
    clock: Clock
    patience_seconds: float

    def follow(self, accepted: Object, what: str, *, done: Collection[str] = ()) -> None:
        """Wait for the end of a task.

        A server that does not answer meanwhile may be restarting, and keeps its tasks over that.

        Args:
            accepted: what the server said when it took the task.
            what: it does, for people: ``delete index customers``.
            done: codes of errors that say that it was done already.

        Raises:
            DataFailed: it failed, was canceled, is unknown, or did not end in time.
            DataUnreachable: the server does not answer any more.
        """
        task = whole(accepted, "taskUid")
        deadline, pause = self.clock.monotonic() + self.patience_seconds, FIRST_LOOK_SECONDS
        while True:
            found, away = self._look(task, what)
            if found is not None and found.get("status") not in UNDER_WAY:
                return self._judge(found, task, what, done)
            if self.clock.monotonic() >= deadline:
                raise away or self._unfinished(task, what)
            self.clock.wait(pause)
            pause = min(pause * 2, LONGEST_LOOK_SECONDS)

    def under_way(self, index: str) -> int:
        """How many tasks of an index wait or run."""
        found = self._page(
            f"look at the tasks of index {index}", indexUids=index, statuses=",".join(UNDER_WAY)
        )
        return whole(found, "total")

    def newest(self) -> int:
        """The number of the newest task; -1 where there is none."""
        tasks = listed(self._page("look at its tasks", limit="1"), "results")
        return whole(tasks[0], "uid") if tasks else -1

    def failed_since(self, index: str, task: int) -> str:
        """See ``ports.SearchServer``."""
        statuses = f"{Status.FAILED},{Status.CANCELED}"
        found = self._page(f"look at the tasks of index {index}", indexUids=index, statuses=statuses)
        newer = [one for one in listed(found, "results") if whole(one, "uid") > task]
        for one in reversed(newer):  # the newest comes first
            if (one.get("type"), _code(one)) not in _HARMLESS:
                return f"task {whole(one, 'uid')} ({self.wire.words(str(one.get('type')))}) {self._end(one)}"
        return ""

    def exchanged(self, index: str) -> str:
        """See ``ports.SearchServer``. Of the newest one alone: names in older ones follow."""
        start: str | None = None
        for _ in range(_PAGES):
            begin = {"from": start} if start is not None else {}
            found = self._page("look at its exchanges", types="indexSwap", statuses=Status.SUCCEEDED, **begin)
            for task in listed(found, "results"):
                for pair in _pairs(task):
                    if index in pair:
                        return pair[1] if pair[0] == index else pair[0]
            following = found.get("next")
            if not isinstance(following, int):
                break
            start = str(following)
        return ""

    def _page(self, what: str, *, limit: str = str(_PAGE), **query: str) -> Object:
        return answered(self.wire.ask("GET", "/tasks", what, query={"limit": limit, **query}))

    def _look(self, task: int, what: str) -> tuple[Object | None, DataUnreachable | None]:
        """The task as it is now, or why that cannot be told just now."""
        try:
            found = self.wire.ask("GET", f"/tasks/{task}", what, absent="task_not_found")
        except DataUnreachable as error:
            return None, error
        if found is None:
            raise DataFailed(
                f"search server {self.wire.name} does not know its task {task} any more, which was to {what}",
                hint="A key sees the exchange of indexes only when it is good for all indexes: '*'.",
            )
        return found, None

    def _judge(self, found: Object, task: int, what: str, done: Collection[str]) -> None:
        if found.get("status") == Status.SUCCEEDED or _code(found) in done:
            return
        raise DataFailed(
            f"search server {self.wire.name} could not {what}: task {task} {self._end(found)}",
            hint=f"What the server knows of it: GET /tasks/{task}",
        )

    def _end(self, task: Object) -> str:
        """How a task ended that did not succeed."""
        if task.get("status") == Status.CANCELED:
            return f"was canceled by task {task.get('canceledBy')}"
        error = task.get("error")
        message = str(error.get("message")) if isinstance(error, dict) else "without a word"
        return f"failed: {self.wire.words(message)} ({_code(task) or task.get('status')})"

    def _unfinished(self, task: int, what: str) -> DataFailed:
        return DataFailed(
            f"search server {self.wire.name} has not begun or not ended its task {task}, which is to {what}, "
            f"after {self.patience_seconds:g} s",
            hint=f"It may still do so: GET /tasks/{task}",
        )


def answered(found: Object | None) -> Object:
    """An answer that cannot be missing, because nothing was said that may be absent."""
    assert found is not None
    return found


def whole(document: Object, key: str) -> int:
    """A whole number of an answer.

    Raises:
        DataUnreachable: there is none.
    """
    found = document.get(key)
    if not isinstance(found, int) or isinstance(found, bool):
        raise DataUnreachable(
            f"the search server answers without {key}: it is another version, or no MeiliSearch"
        )
    return found


def listed(document: Object, key: str) -> list[Object]:
    """The objects in a list of an answer.

    Raises:
        DataUnreachable: there is no such list.
    """
    found = document.get(key)
    if not isinstance(found, list):
        raise DataUnreachable(
            f"the search server answers without {key}: it is another version, or no MeiliSearch"
        )
    return [one for one in found if isinstance(one, dict)]


def _code(task: Object) -> str:
    error: Any = task.get("error")
    return str(error.get("code") or "") if isinstance(error, dict) else ""


def _pairs(task: Object) -> list[tuple[str, str]]:
    """The exchanges of one task."""
    details = task.get("details")
    swaps = details.get("swaps") if isinstance(details, dict) else None
    named = [one.get("indexes") for one in swaps if isinstance(one, dict)] if isinstance(swaps, list) else []
    return [(str(two[0]), str(two[1])) for two in named if isinstance(two, list) and len(two) == 2]
