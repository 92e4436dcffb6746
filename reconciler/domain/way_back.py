"""Ways back: releases of what was good before, told by content. Nothing ever stops one, or undoes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.domain.blocking import Good, same_pin
from reconciler.domain.desired import Service
from reconciler.domain.plan import Entry


def returns(service: str, image: str, goods: Iterable[Good]) -> bool:
    """Whether an image was good before the one that was good last.

    Args:
        service: whose image.
        image: what it is to run.
        goods: the pins that passed their gate, newest first.
    """
    images = [good.image for good in goods if good.service == service]
    return any(same_pin(one, image) for one in images) and not same_pin(images[0], image)


def goes_back(moved: Iterable[tuple[str, str]], goods: Sequence[Good]) -> bool:
    """Whether a release is a way back: every image that it brings was good before the last."""
    images = tuple(moved)
    return bool(images) and all(returns(name, image, goods) for name, image in images)


def brings_back(entry: Entry, service: Service, goods: Iterable[Good]) -> bool:
    """Whether what one service is to become was good before: its image, or its definition.

    A service that was not there any more comes back as anything that was ever good.
    """
    mine = [good for good in goods if good.service == entry.name]
    if not entry.before:
        return any(same_pin(good.image, entry.after) for good in mine)
    if not same_pin(entry.before, entry.after):
        return returns(entry.name, entry.after, mine)
    hashes = [good.config_hash for good in mine]
    return service.config_hash in hashes[1:] and service.config_hash != hashes[0]
