"""The parachute: what a way back needs is there and protected before anything that serves is touched.

A predecessor is kept, stopped, until its successor was judged; its image is what a later rollback needs.
The image gets a tag of ours, for an image that was pulled by digest has none, and would go with the next
``docker image prune``.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
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
        fold(host, environment, [good for good in journal.good(environment) if good.service in released])
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


def fold(host: Host, environment: Environment, goods: Iterable[Good]) -> None:
    """Keep the images of the last good releases, and let go of older ones that only our tag holds.

    Args:
        host: the environment's outside.
        environment: whose releases; ``rollback.keep`` is how many of each service are kept.
        goods: the pins that passed their gate, newest first.

    Raises:
        EngineFailed: a tag cannot be taken away.
    """
    kept, older = set[tuple[str, str]](), set[tuple[str, str]]()
    seen: dict[str, int] = {}
    for good in goods:
        try:
            image = ImageRef.parse(good.image)
        except ValueError:
            continue
        image_id = host.engine.image_id(image) if image.digest else ""
        place = (image.repository, image_id)
        if not image_id or place in kept:
            continue
        seen[good.service] = seen.get(good.service, 0) + 1
        (kept if seen[good.service] <= environment.rollback.keep + 1 else older).add(place)
    for repository, image_id in older - kept:
        tag = protecting_tag(environment, image_id)
        if host.engine.tags(repository).get(tag) == image_id:
            host.engine.untag(repository, tag)
