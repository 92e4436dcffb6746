"""What every channel says of an event, before it is made harmless for that channel."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC
from hashlib import sha256
from urllib.parse import quote

from reconciler.domain.channels import Contact
from reconciler.domain.events import CALLS, Event, Kind
from reconciler.domain.foreign import foreign
from reconciler.domain.image import short_name

OPENS = frozenset(
    {
        Kind.REJECTED,
        Kind.ROLLED_BACK,
        Kind.ROLLBACK_FAILED,
        Kind.FAILED,
        Kind.DRIFT_FOUND,
        Kind.DAEMON_SILENT,
        Kind.TEST,
    }
)
"""What a ticket is opened for. Everything else is added to one, where there is one of the same incident."""

MOST_MOVES = 20
_PLAIN = re.compile(r"[\w./:@-]{1,200}", re.ASCII)


def headline(event: Event, limit: int) -> str:
    """The summary as one harmless line of at most ``limit`` characters, with a capital letter."""
    line = shortened(event.summary, limit)
    return line[:1].upper() + line[1:]


def shortened(text: str, limit: int) -> str:
    """``text`` as one harmless line of at most ``limit`` characters, whatever their width."""
    line = foreign(" ".join(text.split()))
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def moved(event: Event) -> Iterator[tuple[str, str, str]]:
    """Service, image before and after, in short; at most ``MOST_MOVES``."""
    for service, before, after in event.moves[:MOST_MOVES]:
        yield service, short(before), short(after)


def short(image: str) -> str:
    """An image as people call it: its tag, or the beginning of its digest; ``-`` where there is none."""
    return short_name(image) or "-"


def left_out(event: Event) -> str:
    """How many services are not in ``moved``, in words; empty where all are."""
    more = len(event.moves) - MOST_MOVES
    return f"and {more} more" if more > 0 else ""


def identity(text: str) -> str:
    """What something is known by at a provider: itself, or its hash where it could end a comment."""
    if _PLAIN.fullmatch(text) and "--" not in text:
        return text
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def incident_of(event: Event) -> str:
    """What the incident of an event is known by; what stands alone is one by itself."""
    return identity(event.incident or event.key)


def run_link(link: str, event: Event) -> str:
    """Where the run can be read; empty where that is nowhere."""
    return link.replace("{run}", quote(event.run, safe="")) if link and event.run else ""


def whom_to_call(event: Event, contacts: Sequence[Contact]) -> Iterator[str]:
    """Name, way and time of each contact, where somebody may have to be called."""
    for one in contacts if event.kind in CALLS else ():
        times = f" ({shortened(one.when, 100)})" if one.when else ""
        yield f"{shortened(one.name, 100)}: {shortened(one.reach, 100)}{times}"


def when(event: Event) -> str:
    """When it happened."""
    return f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
