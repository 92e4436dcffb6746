"""Releases that wait: rejected, and not to blame for it as far as that can be told. They are tried again.

Each try is a gap in what runs, and what they wait for may come and go: the first try follows as soon as
that works, the further ones in growing pauses.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from reconciler.app.blocked import Held
from reconciler.app.host import Host
from reconciler.app.looking import Look
from reconciler.domain.blocking import Block, same_pin
from reconciler.domain.environment import Environment
from reconciler.domain.report import Result
from reconciler.domain.severity import Verdict
from reconciler.ports import Journal

LOOK_SECONDS = 2.0
"""How long a pass looks whether what a release waits for works again."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 60.0, 3600.0
MOST_RUNS = 100
"""How many passes back rejections are counted."""


def lift(environment: Environment, host: Host, journal: Journal, found: Look) -> bool:
    """Lift the blocks of what is to be tried again; returns whether there was anything to lift.

    Args:
        environment: which one.
        host: the environment's outside.
        journal: where blocks are kept.
        found: what is blocked, and what runs.

    Raises:
        PermissionRefused: the journal cannot be written.
    """
    now = host.clock.now()
    due = _due(environment, journal, found.held, now)
    if not due or not _works(host, found, due):
        return False
    gone = journal.unblock(environment, sorted(due), now)
    rejected = [block for block in gone if not block.waits_for]
    if rejected:  # other pins of the same services, which failed by themselves
        journal.block(environment, rejected)
    return True


def rejections(environment: Environment, journal: Journal, service: str, image: str) -> int:
    """How often passes that ended rejected this pin of a service."""
    undone = (Result.ROLLED_BACK, Result.ROLLBACK_FAILED)
    return sum(
        any(name == service and same_pin(after, image) for name, _, after in run.changes)
        for run in journal.runs(environment, limit=MOST_RUNS)
        if run.result in undone
    )


def _due(
    environment: Environment, journal: Journal, held: Mapping[str, Held], now: datetime
) -> dict[str, Block]:
    waiting = {name: one.block for name, one in held.items() if one.block.waits_for}

    def pause(block: Block) -> timedelta:
        again = rejections(environment, journal, block.service, block.image) - 1
        if again <= 0:
            return timedelta()
        return timedelta(seconds=min(FIRST_PAUSE_SECONDS * 2 ** min(again - 1, 10), LONGEST_PAUSE_SECONDS))

    def rests(block: Block) -> bool:
        return block.at <= now < block.at + pause(block)  # before it: the clock was set back since

    return {name: block for name, block in waiting.items() if not rests(block)}


def _works(host: Host, found: Look, due: Mapping[str, Block]) -> bool:
    """Whether all is well without the releases; of a first release nothing is there that could tell."""
    from reconciler.app.verify import verify

    if not any(found.observed.of(name) for name in due):
        return True
    looked = verify(host, found.desired, found.observed, timeout_seconds=LOOK_SECONDS)
    return looked.verdict is Verdict.PASS
