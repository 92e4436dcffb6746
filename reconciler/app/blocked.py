"""Blocked pins in a pass: what is wanted instead of a pin that failed here.

A blocked service is wanted as it was when it last was good, so that everything else about it stays true:
it is started when it crashed, created when it was removed, and replaced when the failure came late. Where
nothing good is known it is left as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.app.desired import Source
from reconciler.app.host import Host
from reconciler.app.identity import containers_joined, joinable
from reconciler.domain.blocking import Block, Good, same_pin, stopping
from reconciler.domain.desired import Desired, Service
from reconciler.domain.environment import Environment
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Observed
from reconciler.domain.standing import ENVIRONMENT, RUN
from reconciler.ports import Commit, Journal

BLOCKED = "Reconcile-Blocked"


@dataclass(frozen=True, slots=True)
class Held:
    """A service that is held back, and what is wanted instead of its pin, where that is known."""

    block: Block
    good: Good | None


def trailer(service: Service, compose_version: str) -> str:
    """What ``Reconcile-Blocked`` says of a rejected service: name, pin, hash of its model, and by whom."""
    return f"{service.name} {service.image} {service.config_hash} {compose_version}".strip()


def told_by_git(
    environment: Environment, commits: Sequence[Commit], unblocked: Mapping[str, datetime]
) -> tuple[Block, ...]:
    """The blocks that commits carry, so that another clone or a lost journal learns of them."""
    blocks = []
    for commit in commits:
        trailers = dict(commit.trailers)
        if trailers.get(ENVIRONMENT) != environment.name:
            continue
        for key, value in commit.trailers:
            words = value.split()
            if key != BLOCKED or len(words) < 2:
                continue
            lifted = max((unblocked[name] for name in ("", words[0]) if name in unblocked), default=None)
            if lifted is None or commit.at > lifted:
                reason, run = trailers.get("Reconcile-Reason", ""), trailers.get(RUN, "")
                service, image, config_hash, version = (*words, "", "")[:4]
                blocks.append(Block(service, image, config_hash, version, run, reason, commit.at))
    return tuple(blocks)


def held_back(
    desired: Desired, observed: Observed, blocks: Sequence[Block], journal: Journal
) -> dict[str, Held]:
    """The services of ``desired`` whose release would try again what failed here, by name.

    Something good is only wanted instead where it runs, where nothing runs, or where what failed does:
    what a person put there by hand is not ours to replace by an older release. Of services that join others
    that cannot be told: their hashes change with the container that is joined. What stays although it was
    rejected is wanted as Git pins it.
    """
    if not blocks:
        return {}
    held = {}
    goods = journal.good(desired.environment)
    for service in desired.services:
        block = stopping(blocks, service, desired.compose_version)
        if block is not None:
            mine = [good for good in goods if good.service == service.name]
            last = _last_good(mine, service, blocks, desired)
            ours = bool(service.joins) or _ours(service, last, observed, blocks)
            held[service.name] = Held(block, last if ours and not block.stays else None)
    return held


def _last_good(
    goods: Sequence[Good], service: Service, blocks: Sequence[Block], desired: Desired
) -> Good | None:
    """What is wanted instead: the newest that is not blocked by now.

    One that failed as the way back itself ends the search: nothing goes back further and further.
    """
    for good in goods:
        then = replace(service, image=good.image, config_hash=good.config_hash)
        block = stopping(blocks, then, desired.compose_version)
        if block is None and not _same(good, service):
            return good
        if block is not None and block.waits_for and not _same(good, service):
            return None
    return None


def _ours(service: Service, last: Good | None, observed: Observed, blocks: Sequence[Block]) -> bool:
    """Whether all that is there is what was good, or what failed."""
    there = {instance.config_hash for instance in observed.of(service.name)}
    failed = {block.config_hash for block in blocks if block.service == service.name}
    return there <= {service.config_hash, *failed, *([last.config_hash] if last else ())}


def _same(good: Good, service: Service) -> bool:
    """Whether this is just what Git pins."""
    return same_pin(good.image, service.image) and good.config_hash == service.config_hash


def instead(host: Host, source: Source, observed: Observed, goods: Mapping[str, Good]) -> Source:
    """The desired state with what was good instead of what Git pins.

    Args:
        host: the environment's outside.
        source: what Git says, perhaps with something else instead for other services already.
        observed: what is there.
        goods: what is wanted instead, by service; an empty config hash has to be computed.

    Raises:
        ComposeFailed, InvalidState: the hashes cannot be computed.
    """
    desired = source.desired
    wanted = {
        service.name: _as_it_was(service, goods[service.name])
        for service in desired.services
        if service.name in goods
    }
    there = {(instance.service, instance.config_hash) for instance in observed.instances}
    unknown = [
        service
        for service in wanted.values()
        if (service.name, service.config_hash) not in there and joinable(service, observed)
    ]
    if unknown:
        images = {service.name: service.image for service in unknown}
        joined = containers_joined(unknown, observed)
        hashes = host.compose.hashes(desired.environment, source.files, unknown, joined, images)
        wanted |= {s.name: replace(s, config_hash=hashes.get(s.name, s.config_hash)) for s in unknown}
    services = tuple(wanted.get(service.name, service) for service in desired.services)
    images = {**desired.instead, **{name: service.image for name, service in wanted.items()}}
    return replace(source, desired=replace(desired, services=services, instead=images))


def _as_it_was(service: Service, good: Good) -> Service:
    pin = replace(service.pin, image=ImageRef.parse(good.image)) if service.pin is not None else None
    return replace(service, pin=pin, image=good.image, config_hash=good.config_hash)
