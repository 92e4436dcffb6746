"""Write down what runs now as a first desired state, so that the first plan says "No changes."."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.domain.environment import Environment
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Instance, Observed, Role
from reconciler.ports import Engine


@dataclass(frozen=True, slots=True)
class Scaffold:
    """The text of the two files, and what could not be pinned: service → why."""

    settings: str
    pins: str
    unpinned: Mapping[str, str]


def scaffold(environment: Environment, engine: Engine, settings: str) -> Scaffold:
    """Look at what runs, and write the files.

    Args:
        environment: what was asked for: name, project, directory, Compose files.
        engine: where the project runs.
        settings: the present text of ``reconcile.yaml``; empty where there is none. The new
            environment is added at its end.

    Raises:
        EngineUnreachable, PermissionRefused.
    """
    pins, unpinned = _pins(engine, engine.observe(environment.project))
    lines = [f"  {name}:\n    image: {image}\n" for name, image in sorted(pins.items())]
    text = "services:\n" + "".join(lines) if lines else "services: {}\n"
    head = (
        settings
        if settings.endswith("\n")
        else f"{settings}\n"
        if settings
        else "version: 1\nenvironments:\n"
    )
    return Scaffold(head + _block(environment), text, unpinned)


def _pins(engine: Engine, observed: Observed) -> tuple[dict[str, ImageRef], dict[str, str]]:
    """Which image each service runs, by digest; and why a service could not be pinned."""
    pins: dict[str, ImageRef] = {}
    unpinned: dict[str, str] = {}
    for instance in observed.instances:
        if instance.role is not Role.SERVING or instance.service in pins:
            continue
        image = _image(engine, instance)
        if isinstance(image, str):
            unpinned[instance.service] = image
        else:
            pins[instance.service] = image
            unpinned.pop(instance.service, None)
    return pins, unpinned


def _image(engine: Engine, instance: Instance) -> ImageRef | str:
    """The image of a container with its digest, or why it has none."""
    vitals = engine.inspect(instance.id)
    if vitals is None:
        return "its container went away while we looked"
    try:
        image = ImageRef.parse(vitals.image)
    except ValueError:
        return f"it runs {vitals.image}, which is no image name"
    if image.digest:
        return image
    digest = engine.digest_of(instance.image_id, image.repository)
    if not digest:
        return f"{image} did not come from a registry, so it has no digest to pin"
    return ImageRef(image.repository, image.tag or "latest", digest)


def _block(environment: Environment) -> str:
    """An environment as ``reconcile.yaml`` has it."""
    lines = [
        f"  {environment.name}:",
        f"    pins: {environment.pins}",
        f"    project: {environment.project}",
        f"    directory: {environment.directory}",
        f"    compose: [{', '.join(environment.compose)}]",
        *([f"    engine: {{host: {environment.engine_host}}}"] if environment.engine_host else []),
        "    gate:",
        "      timeout: 120s        # how long a release may take until everything is good once",
        "      soak: 10s            # how long everything must stay good",
        '      checks: {}           # backend: {http: {url: "http://localhost:3001/health"}}',
        "    rollback: {git: push}  # push | branch | off",
    ]
    return "\n".join(lines) + "\n"
