"""What is wanted of services whose release is held: what they are now, or were until somebody removed them.

A blocked service is wanted as it was when it was good (``app.blocked``). A held one is wanted as it is:
nobody says that it failed, and what a person put there is theirs. Where that cannot be told it is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.app.host import Host
from reconciler.app.interrupted import Interrupted
from reconciler.app.looking import Look
from reconciler.app.parachute import exact_image
from reconciler.domain.blocking import Good, same_pin
from reconciler.domain.braking import moved
from reconciler.domain.desired import Service
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Instance, Observed, Role, State
from reconciler.domain.plan import Change, Create, Entry
from reconciler.ports import Journal


def as_they_are(host: Host, journal: Journal, found: Look, last: Mapping[str, str]) -> dict[str, Good]:
    """What is wanted instead of what Git moved, by service.

    Args:
        host: the environment's outside.
        journal: knows what was good, and which pass was interrupted.
        found: the plan, and what no brake holds.
        last: the config hash of each service when a pass last converged.
    """
    environment = found.desired.environment
    goods = journal.good(environment)
    kept = Interrupted.of(journal.runs(environment, limit=1)).kept(found.observed)
    releasing = {entry.name for entry in moved(found.plan, found.observed)}
    services = {service.name: service for service in found.desired.services}
    wanted: dict[str, Good | None] = {}
    for entry in found.plan.entries:
        service = services.get(entry.name)
        if service is None or entry.name in found.going:
            continue
        if outdated(entry, found, last):
            wanted[entry.name] = _as_it_was(service, goods)
        elif entry.name in releasing and entry.before:
            one = _as_it_is(service, found.observed, kept=kept)
            wanted[entry.name] = _good(host, service, one, found.observed) if one is not None else None
    return {name: good for name, good in wanted.items() if good is not None}


def outdated(entry: Entry, found: Look, last: Mapping[str, str]) -> bool:
    """Whether somebody removed all containers of a service, and Git asks for other ones by now."""
    if entry.change is not Change.DRIFT or entry.before or entry.name in found.going:
        return False
    created = (action.service for action in entry.actions if isinstance(action, Create))
    return any(last.get(service.name) not in (None, service.config_hash) for service in created)


def _as_it_was(service: Service, goods: Iterable[Good]) -> Good | None:
    """What a service was that is not there any more; None where Git goes back, or nothing is known."""
    mine = [good for good in goods if good.service == service.name]
    if not mine or any(same_pin(good.image, service.image) for good in mine[1:]):
        return None
    same = same_pin(mine[0].image, service.image) and mine[0].config_hash == service.config_hash
    return None if same else mine[0]


def _as_it_is(service: Service, observed: Observed, *, kept: bool) -> Instance | None:
    """A container that stands for what a service is; None where they differ, or a person made them by hand.

    Of a switch that was never judged that is what ran before; of one that was ``kept``, what runs.
    """
    roles = (Role.SERVING, Role.PREDECESSOR) if kept else (Role.PREDECESSOR, Role.SERVING)
    there = [i for i in observed.of(service.name) if i.state is not State.REMOVING]
    instances = next((found for role in roles if (found := [i for i in there if i.role is role])), [])
    return _one_for_all(service, instances)


def _one_for_all(service: Service, instances: Sequence[Instance]) -> Instance | None:
    if not instances or any(i.made_from and i.made_from != i.image_id for i in instances):
        return None
    one = instances[0]
    alike = all((i.config_hash, i.image) == (one.config_hash, one.image) for i in instances)
    return one if alike and one.config_hash != service.config_hash else None


def _good(host: Host, service: Service, instance: Instance, observed: Observed) -> Good | None:
    """What a container is, as something that can be wanted; None where its image has no name."""
    image = exact_image(host, instance)
    if not _is_reference(image):
        return None
    there = {instance.id for instance in observed.instances}
    alone = instance.network_of != "" and instance.network_of not in there
    # With another container to join it gets another hash, which Compose has to be asked for.
    config_hash = "" if alone else instance.config_hash
    return Good(service.name, image, config_hash, instance.compose_version, "", host.clock.now())


def _is_reference(image: str) -> bool:
    """Whether an image has a name; one that the host knows by its id alone has none."""
    try:
        return not image.startswith("sha256:") and bool(ImageRef.parse(image))
    except ValueError:
        return False
