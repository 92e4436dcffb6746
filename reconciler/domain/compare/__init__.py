"""Compare what a successor shows with what its predecessor showed. Pure: how it is measured is elsewhere."""

from __future__ import annotations

from reconciler.domain.check import Compared, Cpu, Errors, Latency, Logs, Memory
from reconciler.domain.compare.errors import failing
from reconciler.domain.compare.latency import WARM_UP, slower
from reconciler.domain.compare.logs import collect, noisier
from reconciler.domain.compare.signatures import signature
from reconciler.domain.compare.usage import cpu, memory
from reconciler.domain.comparison import Comparison, Measures

__all__ = ["WARM_UP", "collect", "compare", "signature"]


def compare(question: Compared, before: Measures | None, now: Measures) -> Comparison:
    """What the measures of a release come to.

    Args:
        question: what is compared, and what is too much.
        before: measured on the predecessor; None where nothing could be: then only absolute bounds count.
        now: measured on the successor.
    """
    match question:
        case Latency():
            return slower(question, before, now)
        case Errors():
            return failing(question, before, now)
        case Logs():
            return noisier(question, before, now)
        case Memory():
            return memory(question, before, now)
        case Cpu():
            return cpu(question, before, now)
