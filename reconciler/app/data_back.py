"""Rejected releases whose data has to go back before them: finished where a pass was killed, and by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.app.data_care import DataCare
from reconciler.app.host import Host
from reconciler.app.rejection import Rejection
from reconciler.app.switch import USUAL_GRACE_SECONDS
from reconciler.app.taking_back import Late
from reconciler.domain.blocking import Block, Kept
from reconciler.domain.contract import contracts
from reconciler.domain.data import Contract
from reconciler.domain.desired import Desired
from reconciler.domain.environment import Environment
from reconciler.domain.gate import Judgement
from reconciler.domain.observed import Observed, Role
from reconciler.domain.report import Staying, Verb
from reconciler.domain.severity import Verdict
from reconciler.ports import Journal


def restoring(journal: Journal, environment: Environment) -> tuple[Block, ...]:
    """The rejected pins whose data is on its way back."""
    return tuple(b for b in journal.blocks(environment) if b.kept is not None and b.kept.restoring)


def finish(
    host: Host,
    desired: Desired,
    observed: Observed,
    blocks: Sequence[Block],
    care: DataCare,
    journal: Journal,
    run: str,
) -> tuple[str, ...]:
    """Bring back the data that a killed pass was bringing back, before anything is started.

    Args:
        host: the environment's outside.
        desired: what is wanted.
        observed: what is there.
        blocks: what that pass had rejected; see ``restoring``.
        care: brings data back.
        journal: where the blocks are kept.
        run: this pass.

    Returns what people should know.

    Raises:
        ReconcileError: the data is not back; nothing was started, and the next pass tries again.
    """
    names = {block.service for block in blocks}
    for instance in observed.instances:
        if instance.service in names and instance.running and instance.role is Role.SERVING:
            with host.step(Verb.STOP, instance.name, "before its data goes back"):
                host.engine.stop(instance.id, USUAL_GRACE_SECONDS)
    notes = tuple[str, ...]()
    for backup in sorted({block.kept.backup for block in blocks if block.kept is not None}):
        notes += care.bring_back(host, desired, backup, run)
    journal.block(desired.environment, [replace(block, kept=None) for block in blocks])
    return notes


def data_was_restored(rejection: Rejection, desired: Desired) -> tuple[str, ...]:
    """A person brought the data of before back: what stayed for its sake goes back with the next pass.

    Writers must be stopped until that pass. Git is told by it as well, as of any rejected release.

    Args:
        rejection: of the environment.
        desired: what Git wants.

    Returns the services that go back.

    Raises:
        ReconcileError: the journal cannot be written, or the repository not be read.
    """
    journal, environment = rejection.journal, rejection.environment
    blocks = [b for b in journal.blocks(environment) if _waits_for_data(b)]
    journal.block(environment, [replace(block, kept=None) for block in blocks])
    for run in dict.fromkeys(block.run for block in blocks):
        mine = [block for block in blocks if block.run == run]
        story = journal.story(environment, run)
        changes = story.run.changes if story is not None else ()
        named = {block.service for block in mine}
        moved = [change for change in changes if change[0] in named and change[1]]
        rejection.intend(desired, moved, run, Judgement(Verdict.FAIL, mine[0].reason), deep=True)
    return tuple(sorted({block.service for block in blocks}))


def staying_late(late: Late, care: DataCare) -> tuple[Staying | None, tuple[str, ...]]:
    """What of a release that failed late is not taken back, None where all of it is; and what is odd.

    Data is never brought back by the program here, whatever the environment says: what was written since is
    not of the minutes of a gate but of hours, and a person should know what is lost.

    Args:
        late: the release.
        care: knows the backup of before.
    """
    services = tuple(sorted(name for name, _, _ in late.moved))
    labels = {name: late.labels.get(name, "") for name in services}
    known = contracts(late.desired.environment.data, labels)
    contract = known.worst(services)
    if contract is Contract.COMPATIBLE:
        return None, known.notes
    return Staying(Kept(contract, care.backup_of(late.run)), services), known.notes


def _waits_for_data(block: Block) -> bool:
    return block.kept is not None and block.kept.contract is Contract.NEEDS_RESTORE
