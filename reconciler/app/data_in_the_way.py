"""Whether a person may simply pin what ran before, or data is in the way."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.app.release import Move
from reconciler.domain.blocking import Block, same_pin
from reconciler.domain.contract import contracts
from reconciler.domain.data import Contract
from reconciler.domain.environment import Environment
from reconciler.domain.observed import Observed, Role
from reconciler.errors import Refused


def refuse_behind_data(
    environment: Environment, moves: Sequence[Move], observed: Observed | None, blocks: Sequence[Block]
) -> None:
    """Refuse to go back from a release whose data the one before it cannot read.

    What does not run did nothing to data. Neither is anything in the way of what was rejected and is only
    blocked: its data was untouched, or is back.

    Args:
        environment: whose pins are moved.
        moves: the pins, as they are and as they would be.
        observed: what runs; None where the engine cannot be asked, and reconcile.yaml alone decides.
        blocks: the pins that are blocked here.

    Raises:
        Refused: with what to do.
    """
    serving = {i.service: i for i in observed.instances if i.role is Role.SERVING} if observed else {}
    labels: dict[str, str] = {}
    for move in moves:
        runs = serving.get(move.service)
        elsewhere = observed is not None and (runs is None or not same_pin(runs.image, move.before))
        if move.before and not elsewhere and not _free(move, blocks):
            labels[move.service] = runs.contract if runs else ""
    known = contracts(environment.data, labels)
    contract = known.worst(labels)
    if contract is Contract.COMPATIBLE:
        return
    names = ", ".join(name for name in sorted(labels) if known.of[name] is not Contract.COMPATIBLE)
    stays = "If the older release works with the data as it is now, say so: --data-stays"
    restore = f"Bring the data back: reconcile restore {environment.name} couchdb --backup NAME. "
    raise Refused(
        f"{names} of {environment.name} cannot simply go back: what runs is {contract}",
        hint=(restore if contract is Contract.NEEDS_RESTORE else "") + stays,
    )


def _free(move: Move, blocks: Sequence[Block]) -> bool:
    mine = (b for b in blocks if b.service == move.service and same_pin(b.image, move.before))
    return any(block.kept is None for block in mine)
