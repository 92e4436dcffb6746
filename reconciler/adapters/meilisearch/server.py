"""A MeiliSearch server as ``ports.SearchServer``."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from reconciler.adapters.meilisearch.tasks import Tasks, answered, listed, whole
from reconciler.adapters.meilisearch.wire import Wire
from reconciler.domain.search import IndexState
from reconciler.ports import Clock

REQUEST_SECONDS = 10.0
_PAGE = 1000


class MeiliServer:
    """One server.

    Args:
        url: where it listens, without credentials.
        key: an API key, filled in; empty for a server that wants none.
        clock: tells how long tasks take.
        patience_seconds: how long one task may take, with all that the server has to do before it.
        limit_seconds: how long one request may take.
    """

    def __init__(
        self,
        url: str,
        key: str,
        clock: Clock,
        *,
        patience_seconds: float = 600.0,
        limit_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self._wire = Wire(url.rstrip("/"), key, limit_seconds)
        self._tasks = Tasks(self._wire, clock, patience_seconds)

    @property
    def name(self) -> str:
        """See ``ports.SearchServer``, as for all that follows."""
        return self._wire.name

    def indexes(self) -> tuple[str, ...]:
        """By pages, of which the server gives 20 names each where it is not asked for more."""
        found: list[str] = []
        while True:
            query = {"limit": str(_PAGE), "offset": str(len(found))}
            page = answered(self._wire.ask("GET", "/indexes", "list its indexes", query=query))
            names = [str(one.get("uid")) for one in listed(page, "results")]
            found += names
            if not names or len(found) >= whole(page, "total"):
                return tuple(sorted(found))

    def state(self, index: str) -> IndexState:
        """Tasks first: what they did until then is counted afterwards.

        ``isIndexing`` alone ignores tasks that wait, so between two of them it says no.
        """
        waiting = self._tasks.under_way(index)
        what = f"count the documents of index {index}"
        stats = self._wire.ask("GET", f"{_path(index)}/stats", what, absent="index_not_found")
        if stats is None:
            return IndexState(None, waiting > 0)
        return IndexState(
            whole(stats, "numberOfDocuments"), waiting > 0 or stats.get("isIndexing") is not False
        )

    def create(self, index: str) -> None:
        """As a task, which fails where the index is there."""
        what = f"create index {index}"
        accepted = answered(self._wire.ask("POST", "/indexes", what, body={"uid": index}))
        self._tasks.follow(accepted, what, done=("index_already_exists",))

    def remove(self, index: str) -> None:
        """As a task, which is accepted and fails where the index is not there."""
        what = f"delete index {index}"
        accepted = self._wire.ask("DELETE", _path(index), what, absent="index_not_found")
        if accepted is not None:
            self._tasks.follow(accepted, what, done=("index_not_found",))

    def swap(self, pairs: Sequence[tuple[str, str]]) -> None:
        """In one task, which the server does as a whole or not at all. Asked twice, it would undo itself."""
        what = "exchange " + ", ".join(f"{one} and {other}" for one, other in pairs)
        body = [{"indexes": list(pair)} for pair in pairs]
        self._tasks.follow(answered(self._wire.ask("POST", "/swap-indexes", what, body=body)), what)

    def exchanged(self, index: str) -> str:
        """By the newest exchange in the server's list of tasks."""
        return self._tasks.exchanged(index)

    def last_task(self) -> int:
        """As the key sees them."""
        return self._tasks.newest()

    def failed_since(self, index: str, task: int) -> str:
        """By the server's list of tasks."""
        return self._tasks.failed_since(index, task)


def _path(index: str) -> str:
    return f"/indexes/{quote(index, safe='')}"
