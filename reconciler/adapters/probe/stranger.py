"""An answer that is none of the server that was expected there."""

from __future__ import annotations

from reconciler.adapters.probe.answer import Answer
from reconciler.adapters.probe.expectations import STARTING
from reconciler.domain.comparison import Seen
from reconciler.domain.gate import Evidence


def stranger(answer: Answer, words: str) -> Seen:
    """What it comes to: something may be starting, or failing; else it is somebody else, as ``words`` say."""
    if answer.status in STARTING:
        return Seen(Evidence.UNREADY, answer.words, answer.seconds, answer.status)
    said = words if answer.status < 500 else answer.words
    return Seen(Evidence.BAD, said, answer.seconds, answer.status)
