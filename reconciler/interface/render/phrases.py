"""Small words: how long, how many, which image."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.domain.desired import Revision
from reconciler.domain.foreign import foreign
from reconciler.domain.image import ImageRef

_LONGEST_NAME = 80
_DIGEST_DIGITS = 12


def duration(seconds: float) -> str:
    """A time span as people say it: ``0.42s``, ``8.1s``, ``51s``, ``1m04s``, ``2h05m``, ``3d04h``."""
    if seconds < 0.995:
        return f"{seconds:.2f}s"
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"


def response_time(seconds: float) -> str:
    """How long an answer took: ``4ms``, and from a tenth of a second on as any other span."""
    return f"{1000 * seconds:.0f}ms" if seconds < 0.0995 else duration(seconds)


def count(number: int, noun: str) -> str:
    """``1 container``, ``2 containers``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def revision_line(revision: Revision, limit: int = 0) -> str:
    """``main@8f3c2d1 "web 1.4.2" by dev``; ``limit`` bounds the subject."""
    subject = f' "{foreign(revision.subject, limit)}"' if revision.subject else ""
    author = f" by {foreign(revision.author, 40)}" if revision.author else ""
    dirty = ", with uncommitted files" if revision.dirty else ""
    return f"{foreign(revision.short())}{subject}{author}{dirty}"


def short_image(text: str) -> str:
    """What people call an image: its tag, or the first digits of its digest or id."""
    image = _parsed(text)
    return foreign(image.short() if image else _unparsed(text), _LONGEST_NAME)


def transition(before: str, after: str) -> str:
    """``1.4.1 → 1.4.2``; with digests where tags are equal, with repositories where those differ."""
    if not before or not after or before == after:
        return short_image(after or before)
    one, two = _parsed(before), _parsed(after)
    if one is None or two is None:
        names = short_image(before), short_image(after)
    elif one.repository != two.repository:
        names = f"{one.repository}:{one.short()}", f"{two.repository}:{two.short()}"
    elif one.short() != two.short():
        names = one.short(), two.short()
    else:
        names = _with_digest(one), _with_digest(two)
    return " → ".join(foreign(name, _LONGEST_NAME) for name in names)


def _parsed(text: str) -> ImageRef | None:
    if text.startswith("sha256:"):  # an image id, which reads like a repository with a long tag
        return None
    try:
        return ImageRef.parse(text)
    except ValueError:
        return None


def _unparsed(text: str) -> str:
    digits = text.removeprefix("sha256:")
    return digits[:_DIGEST_DIGITS] if digits != text else text


def _with_digest(image: ImageRef) -> str:
    digits = image.digest.removeprefix("sha256:")[:_DIGEST_DIGITS]
    return f"{image.short()} ({digits or 'no digest'})"
