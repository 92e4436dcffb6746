"""The decision matrix of an environment: ``severity`` and ``inconclusive``."""

from __future__ import annotations

from reconciler.adapters.state_files.nodes import Node, Text
from reconciler.adapters.state_files.quantities import seconds
from reconciler.adapters.state_files.written import Written
from reconciler.domain.severity import Matrix, Phase, Reaction, Response, Severity


def matrix(environment: Written) -> Matrix:
    """The matrix; what is not written is as usual."""
    usual = Matrix()
    failed, silent = environment.part("severity"), environment.part("inconclusive")
    return Matrix(
        failed={severity: _reaction(failed.node(severity), usual.failed[severity]) for severity in Severity},
        inconclusive={
            phase: Response(silent.text(phase, usual.inconclusive[phase]))
            for phase in (Phase.GATE, Phase.OBSERVED)
        },
    )


def delay(text: str) -> float:
    """The seconds of ``15m`` or ``after 15m``.

    Raises:
        ValueError: it is neither.
    """
    return seconds(text.removeprefix("after "))


def _reaction(node: Node | None, usual: Reaction) -> Reaction:
    """``report``, or ``{rollback: after 15m}``."""
    if node is None:
        return usual
    if isinstance(node, Text):
        return Reaction(Response(node.value))
    response = next(word for word in Response if Written(node).node(word) is not None)
    return Reaction(response, delay(Written(node).text(response)))
