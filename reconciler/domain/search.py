"""Indexes of a search server: what is seen of one, when it is whole, and what the one beside it is called."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass

from reconciler.domain.data import Index

LEAST_SHARE = 0.5
"""The share of the documents of before that an index has at least when it is whole."""
SETTLED_SECONDS = 5.0
"""For how long an index rests that may have been left between two batches of the application."""
_RELEASE = re.compile(r"__[0-9a-f]{7}(?:-[0-9]+)?")


@dataclass(frozen=True, slots=True)
class IndexState:
    """An index at one moment.

    ``documents`` is None where there is no such index. It is ``busy`` while tasks of it wait or run.
    """

    documents: int | None
    busy: bool = False


ABSENT = IndexState(None)


@dataclass(frozen=True, slots=True)
class Filling:
    """An index that is being filled, and what has to be remembered of it to tell that it is whole.

    Between two batches of an application nothing waits and nothing runs, whatever is still to come. So it has
    to look the same twice in a row; and where no number says that it has everything, to rest for a while.

    Args:
        least: how many documents it has at least when it is whole.
        certain: with how many it has everything, as far as anybody knows; 0 where nobody does.
        seen: what was seen last.
        since: when it was first seen like that, in seconds of a monotonic clock.
        looks: how often in a row it was seen like that.
    """

    least: int
    certain: int = 0
    seen: IndexState = ABSENT
    since: float = 0.0
    looks: int = 0

    @classmethod
    def of(cls, index: Index, before: int | None, *, fewer: bool = False) -> Filling:
        """What is expected of an index.

        Args:
            index: what is written of it.
            before: how many documents it had; None where that says nothing, or it was not there.
            fewer: whether any number above what is written will do.
        """
        known = before or 0
        least = index.documents if fewer else max(index.documents, math.ceil(known * LEAST_SHARE))
        certain = max(index.documents, known)
        return cls(least, certain if certain > 1 else 0)  # 1 is what everybody writes who does not know

    def saw(self, state: IndexState, now: float) -> Filling:
        """The same after another look."""
        if state == self.seen and self.looks:
            return Filling(self.least, self.certain, state, self.since, self.looks + 1)
        return Filling(self.least, self.certain, state, now, 1)

    def missed(self) -> Filling:
        """The same after a look that failed: nothing is known of what was meanwhile."""
        return Filling(self.least, self.certain, self.seen)

    def whole(self, now: float) -> bool:
        """Whether it has all its documents, as far as can be told."""
        documents = self.seen.documents
        if self.looks < 2 or self.seen.busy or documents is None or documents < self.least:
            return False
        full = 0 < self.certain <= documents
        return full or now - self.since >= SETTLED_SECONDS

    def __str__(self) -> str:
        """How far it is: ``120 of at least 1000 documents, and it is indexing``."""
        if self.seen.documents is None:
            return "it is not there" + (", and tasks of it wait" if self.seen.busy else "")
        doing = "and it is indexing" if self.seen.busy else "and it rests"
        return f"{self.seen.documents} of at least {self.least} documents, {doing}"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One index that is whole again.

    ``before`` is how many documents it had, None where it was not there. ``displaced`` is what the index is
    called that served until then, empty where it is gone; ``removed`` are older ones that went, and ``note``
    says why others stayed.
    """

    index: str
    documents: int
    before: int | None
    seconds: float
    displaced: str = ""
    removed: tuple[str, ...] = ()
    note: str = ""


def beside(index: str, commit: str, taken: Container[str]) -> str:
    """What an index is called that is built beside another: ``customers__8f3c2d1``.

    Args:
        index: the one that serves.
        commit: that of the release.
        taken: names that must stay as they are.
    """
    name, number = f"{index}__{commit[:7]}", 2
    while name in taken:
        name, number = f"{index}__{commit[:7]}-{number}", number + 1
    return name


def built_beside(index: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of ``names`` that were built beside ``index``, by what they are called."""
    return tuple(
        name for name in names if name.startswith(index) and _RELEASE.fullmatch(name.removeprefix(index))
    )
