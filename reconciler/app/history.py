"""Who released what, when and why: read from Git, so it works on any clone; a host's journal adds to it."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.app.desired import DesiredState
from reconciler.domain.environment import Environment
from reconciler.domain.history import HistoryRow, with_runs
from reconciler.domain.journal import Run
from reconciler.domain.reverts import with_reverts
from reconciler.domain.standing import ROLLBACK_OF
from reconciler.domain.standing import RUN as BY_RUN


def history(
    environment: Environment,
    desired: DesiredState,
    *,
    limit: int = 20,
    runs: Sequence[Run] = (),
) -> tuple[HistoryRow, ...]:
    """The releases of an environment, newest first.

    Args:
        environment: whose.
        desired: reads the pins files of old commits.
        limit: how many rows at the most; 0 for all.
        runs: what the journal of this host has of the environment, newest first.
    """
    path = desired.path(environment.pins)
    commits = desired.repository.log(path, limit=limit + 1 if limit else 0)
    rows: list[HistoryRow] = []
    for index, commit in enumerate(commits[: limit or None]):
        trailers = dict(commit.trailers)
        back = trailers.get(ROLLBACK_OF, "")
        older = commits[index + 1] if index + 1 < len(commits) else None
        before = desired.pinned_at(environment, older.id) if older else {}
        after = desired.pinned_at(environment, commit.id)
        changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        rows.append(
            HistoryRow(
                environment=environment.name,
                revision=commit.id,
                at=commit.at,
                author=commit.author,
                subject=commit.subject,
                changes=tuple((name, before.get(name, ""), after.get(name, "")) for name in changed),
                rollback_of=back,
                reason=trailers.get("Reconcile-Reason", ""),
                run=trailers.get(BY_RUN, "") if back else "",
                automatic=bool(back and trailers.get(BY_RUN)),
            )
        )
    return with_runs(with_reverts(rows), runs)[: limit or None]
