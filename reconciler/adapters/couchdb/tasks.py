"""What the server does just now: https://docs.couchdb.org/en/stable/api/server/common.html#active-tasks"""

from __future__ import annotations

from reconciler.adapters.couchdb.conversation import Conversation

_NOT_TOLD = (400, 401, 403, 404, 405)
"""Whoever does not tell has nothing to tell: it is only looked at to see whether something gets on."""


def tasks(talk: Conversation, kind: str, *names: str) -> tuple[str, ...] | None:
    """All tasks of this kind in which all of ``names`` occur, as text; None where telling took too long."""
    doing = "list its active tasks"
    answer = talk.try_to_ask("GET", "/_active_tasks", doing, also=_NOT_TOLD)
    if answer is None:
        return None
    if answer.status in _NOT_TOLD:
        return ()
    with talk.understanding(doing):
        found = [str(task) for task in answer.json() if task["type"] == kind]
    return tuple(sorted(task for task in found if all(name in task for name in names)))
