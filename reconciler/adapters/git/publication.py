"""A commit that is pushed: fetch, derive, push, and all of it again where others were faster."""

from __future__ import annotations

from reconciler.adapters.git.complaints import outrun
from reconciler.adapters.git.patience import Patience
from reconciler.adapters.git.process import Git
from reconciler.adapters.git.proposal import Draft, propose
from reconciler.adapters.git.remote import Overtaken, RemoteBranch
from reconciler.errors import RepositoryFailed


def publish(
    git: Git, patience: Patience, draft: Draft, target: RemoteBranch, start: RemoteBranch | None
) -> str:
    """Push a commit on top of ``target`` without force, and return its id.

    Where the remote has no such branch, the commit is based on ``start``'s tip and begins it; a branch
    that is there already, from a push whose answer got lost or from somebody else, gets it on top.

    Raises:
        Stale: the edit no longer applies or is there already, or others were faster every time.
        InvalidState: a file to edit cannot be read there.
        RepositoryUnreachable, PermissionRefused, RepositoryFailed: it could not be written or pushed.
    """
    tips: set[str] = set()
    why = ""
    for attempt in range(patience.attempts):
        tip = _tip(git, target, start)
        if isinstance(tip, str):
            tips.add(tip)
            new = propose(git, tip, draft)
            overtaken = target.push(git, new)
            if overtaken is None:
                return new
            why = overtaken.why
        else:
            why = tip.why
        patience.pause(attempt)
    if len(tips) < 2:  # nobody was faster: the remote fails in a way that looks like it
        raise RepositoryFailed(f"{target} could not be moved in {patience.attempts} attempts: {why}")
    raise outrun(str(target), why)


def _tip(git: Git, target: RemoteBranch, start: RemoteBranch | None) -> str | Overtaken:
    """Where the next commit of ``target`` belongs; asked in this order, a branch is never begun twice."""
    if start is None:
        return target.fetch(git)
    return target.fetch_if_there(git) or start.fetch(git)
