"""The parachute: what a way back needs is there and protected before anything that serves is touched.

A predecessor is kept, stopped, until its successor was judged; its image is what a later rollback needs.
The image gets a tag of ours, for an image that was pulled by digest has none, and would go with the next
``docker image prune``.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from datetime import datetime

from reconciler.app.host import Host
from reconciler.domain.blocking import Good, digest
from reconciler.domain.desired import Desired
from reconciler.domain.environment import Environment
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Instance, Role
from reconciler.domain.plan import Plan, Replace
from reconciler.errors import EngineFailed, Refused
from reconciler.ports import Journal

PREFIX = "reconcile-"
USUAL_TAG = "rollback"
"""The runbook's own tag: the image of the last predecessor."""
_Place = tuple[str, str]
"""An image by its repository and id: where a tag of ours may protect it."""


def protecting_tag(environment: Environment, image: str) -> str:
    """The tag that protects an image for an environment: ours by its prefix, then project and digest."""
    short = digest(image).removeprefix("sha256:")[:12]
    return f"{PREFIX}{environment.project}-{short}"


def pack(host: Host, environment: Environment, plan: Plan, *, refuse: bool) -> None:
    """Protect the images of all predecessors of a release.

    Args:
        host: the environment's outside.
        environment: whose release.
        plan: what is replaced.
        refuse: whether a release without a way back is refused.

    Raises:
        Refused: an image is not on the host any more.
    """
    for action in plan.actions:
        if not isinstance(action, Replace):
            continue
        for instance in action.predecessors:
            try:
                repository = ImageRef.parse(instance.image).repository
            except ValueError:
                continue  # known by its id alone: there is no repository to tag it in
            try:
                host.engine.tag(instance.image_id, repository, protecting_tag(environment, instance.image_id))
            except EngineFailed as error:
                if refuse:
                    raise Refused(
                        f"there is no way back from this release: the image of {instance.name} cannot be "
                        f"protected: {error.problem}",
                        hint="Pull the image again, or release without a way back with --no-parachute",
                    ) from error


def note_before(host: Host, journal: Journal, desired: Desired, plan: Plan, run: str) -> None:
    """Write down what a release replaces: an adopted stack has no release that passed a gate here.

    What a pass that was killed left running unjudged, or had rejected, is not good for that.

    Raises:
        PermissionRefused: the journal cannot be written; nothing was touched yet.
    """
    environment, now = desired.environment, host.clock.now()
    told = {(good.service, good.config_hash) for good in journal.good(environment)}
    told |= {(block.service, block.config_hash) for block in journal.blocks(environment)}
    goods = [
        Good(i.service, exact_image(host, i), i.config_hash, i.compose_version, run, now)
        for action in plan.actions
        if isinstance(action, Replace)
        for i in _judged(action)
        if i.running and (i.service, i.config_hash) not in told
    ]
    if goods:
        journal.note_good(environment, goods)


def _judged(action: Replace) -> list[Instance]:
    """What serves, and has nothing beside it that served before and waits for a judgement."""
    among = (*action.predecessors, *action.successors)
    waiting = {instance.serving_name for instance in among if instance.role is Role.PREDECESSOR}
    return [i for i in action.predecessors if i.role is Role.SERVING and i.name not in waiting]


def exact_image(host: Host, instance: Instance) -> str:
    """The image of a container, by digest where the host knows one."""
    try:
        image = ImageRef.parse(instance.image)
    except ValueError:
        return instance.image
    found = "" if image.digest else host.engine.digest_of(instance.image_id, image.repository)
    return str(image.with_digest(found)) if found else instance.image


def note_good(
    host: Host,
    journal: Journal,
    desired: Desired,
    run: str,
    released: Container[str],
    unjudged: Container[str] = (),
) -> list[str]:
    """Write down what passed, and let go of images of released services that are too old.

    ``unjudged`` are services that are left as they are, whatever Git pins. Returns what went wrong.

    Raises:
        PermissionRefused: the journal cannot be written.
    """
    environment = desired.environment
    journal.note_good(environment, goods_of(desired, run, host.clock.now(), unjudged))
    try:
        there = {service.name for service in desired.services}
        goods = [good for good in journal.good(environment) if good.service in there]
        fold(host, environment, goods, released)
    except EngineFailed as error:
        return [f"older images stay protected: {error}"]
    return []


def goods_of(desired: Desired, run: str, now: datetime, unjudged: Container[str]) -> list[Good]:
    """What a pass found good; ``unjudged`` are services that are left as they are, whatever Git pins."""
    return [
        Good(s.name, s.image, s.config_hash, desired.compose_version, run, now)
        for s in desired.services
        if s.name not in unjudged
    ]


def fold(host: Host, environment: Environment, goods: Iterable[Good], released: Container[str]) -> None:
    """Keep the images of the last good releases, and let go of older ones that only our tag holds.

    Services may be made from one image: what one of them goes back to stays, however far the others are.

    Args:
        host: the environment's outside.
        environment: whose releases; ``rollback.keep`` is how many of each service are kept.
        goods: the pins that passed their gate, of all services that there are, newest first.
        released: the services whose older images go.

    Raises:
        EngineFailed: a tag cannot be taken away.
    """
    last, older = dict[str, set[_Place]](), set[_Place]()
    for service, place in _places(host, goods, released):
        kept = last.setdefault(service, set())
        if place in kept:
            continue
        if len(kept) <= environment.rollback.keep:  # what runs now is one of them
            kept.add(place)
        elif service in released:
            older.add(place)
    for repository, image_id in older.difference(*last.values()):
        tag = protecting_tag(environment, image_id)
        if host.engine.tags(repository).get(tag) == image_id:
            host.engine.untag(repository, tag)


def _places(host: Host, goods: Iterable[Good], released: Container[str]) -> Iterator[tuple[str, _Place]]:
    """Service and place of each pin whose image the host has, in the repositories of what was released."""
    pins = [(good.service, image) for good in goods if (image := _by_digest(good)) is not None]
    concerned = {image.repository for service, image in pins if service in released}
    ids: dict[str, str] = {}
    for service, image in pins:
        if image.repository not in concerned:
            continue
        if image.by_digest not in ids:
            ids[image.by_digest] = host.engine.image_id(image)
        if ids[image.by_digest]:
            yield service, (image.repository, ids[image.by_digest])


def _by_digest(good: Good) -> ImageRef | None:
    """The image of a pin; None where that is not told by digest."""
    try:
        image = ImageRef.parse(good.image)
    except ValueError:
        return None
    return image if image.digest else None
