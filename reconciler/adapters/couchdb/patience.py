"""Wait for work inside of the server as long as it gets on, however long that is altogether."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from reconciler.adapters.couchdb.answer import Answer
from reconciler.errors import DataUnreachable


def patiently(
    ask: Callable[[], Answer | None], progress: Callable[[], object], limit_seconds: float, what: str
) -> Answer:
    """Ask until there is an answer: the server goes on meanwhile, and asking again joins the same work.

    Args:
        ask: None where the answer did not come in time.
        progress: anything that changes while the work gets on; None where that cannot be told just now.
        limit_seconds: how long it may stand still.
        what: the server and what it did not do, for the error.

    Raises:
        DataUnreachable: it stood still for so long.
    """
    seen, since = None, monotonic()
    while (answer := ask()) is None:
        now = progress()
        if now is not None and now != seen:
            seen, since = now, monotonic()
        elif monotonic() - since > limit_seconds:
            raise DataUnreachable(
                f"{what}: it has not got on for {limit_seconds:g} s",
                hint="It may go on in the server. Look into /_active_tasks and the log of CouchDB.",
            )
    return answer
