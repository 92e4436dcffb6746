"""Blocked pins: what failed here is not tried again until it changes, or a person unblocks it.

A block is by content: the service, the digest and the Compose model that it was released with. A new commit
that pins the same digest again changes nothing; any other digest or model is a new release.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from reconciler.domain.data import Contract
from reconciler.domain.desired import Service
from reconciler.domain.image import ImageRef


@dataclass(frozen=True, slots=True)
class Kept:
    """Why a rejected pin was not taken back: its release did something to the data that was there before.

    ``backup`` is the name of the backup of before, empty where none is known. Where the program is
    ``restoring`` that by itself, the pin is taken back once that is done, and nothing is started before.
    """

    contract: Contract
    backup: str = ""
    restoring: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A pin that failed in one environment.

    ``image`` is the reference as it was pinned. ``config_hash`` is Compose's hash of the service as it was
    released, computed by ``compose_version``; both are empty where they are not known. ``run`` is the pass
    that rejected it. ``waits_for`` are checks that fail without the release too: the pin was exonerated, and
    is tried again when they pass. One that is ``kept`` goes on running all the same.
    """

    service: str
    image: str
    config_hash: str
    compose_version: str
    run: str
    reason: str
    at: datetime
    waits_for: tuple[str, ...] = ()
    kept: Kept | None = None

    @property
    def stays(self) -> bool:
        """Whether it runs although it is blocked, and is to go on."""
        return self.kept is not None and not self.kept.restoring

    def stops(self, service: Service, compose_version: str) -> bool:
        """Whether releasing ``service`` would try again what failed.

        Hashes of other versions of Compose cannot be compared, and those of services that join others
        change with the container that is joined: then the digest alone decides.
        """
        if service.name != self.service or not same_pin(service.image, self.image):
            return False
        comparable = self.config_hash and self.compose_version == compose_version and not service.joins
        return not comparable or self.config_hash == service.config_hash


@dataclass(frozen=True, slots=True)
class Good:
    """A pin that passed its gate here: what a rollback goes back to."""

    service: str
    image: str
    config_hash: str
    compose_version: str
    run: str
    at: datetime


def digest(image: str) -> str:
    """The digest of a reference; the whole reference where it has none."""
    try:
        return ImageRef.parse(image).digest or image
    except ValueError:
        return image


def same_pin(one: str, other: str) -> bool:
    """Whether two references are of the same content."""
    return digest(one) == digest(other)


def stopping(blocks: Iterable[Block], service: Service, compose_version: str) -> Block | None:
    """The newest block that stops ``service``, or None."""
    found = [block for block in blocks if block.stops(service, compose_version)]
    return max(found, key=lambda block: block.at, default=None)
