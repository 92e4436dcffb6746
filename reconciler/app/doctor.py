"""Preflight: look at everything a pass will need, and say what is wrong before it matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from reconciler.app.converge import Reconciler
from reconciler.app.desired import Source
from reconciler.domain.image import ImageRef
from reconciler.errors import ReconcileError


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked at: ``detail`` is what was seen, or the failure."""

    subject: str
    detail: str
    error: ReconcileError | None = None

    @property
    def good(self) -> bool:
        """Whether a pass can count on it."""
        return self.error is None


def examine(reconciler: Reconciler) -> Iterator[Diagnosis]:
    """Look at what a pass over one environment needs; every look is made, whatever the others say."""
    environment, engine = reconciler.environment, reconciler.host.engine
    yield _look("engine", lambda: f"Docker Engine {engine.version()}")
    yield _look("disk", lambda: _room(engine.free_bytes(), reconciler.reserve))
    sources: list[Source] = []
    yield _look("state", lambda: _read(reconciler, sources))
    yield _look(
        "containers", lambda: f"{len(engine.observe(environment.project).instances)} of {environment.project}"
    )
    yield _look("lock", lambda: _locked(reconciler))
    for image in _one_per_registry(sources):
        yield _look(f"registry {image.host or 'docker.io'}", partial(_known, reconciler, image))


def _look(subject: str, look: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(subject, look())
    except ReconcileError as error:
        return Diagnosis(subject, error.problem, error)


def _room(free: int | None, reserve: int) -> str:
    if free is None:
        return "the engine is elsewhere; its disk cannot be seen from here"
    if free < reserve:
        raise ReconcileError(
            f"{free // 2**20} MiB free, {reserve // 2**20} MiB are the reserve", hint="Make room"
        )
    return f"{free // 2**20} MiB free"


def _read(reconciler: Reconciler, sources: list[Source]) -> str:
    source = reconciler.desired.read(reconciler.environment)
    sources.append(source)
    desired = source.desired
    return f"{desired.revision.short()}, {len(desired.services)} services, Compose {desired.compose_version}"


def _locked(reconciler: Reconciler) -> str:
    with reconciler.lock.hold(reconciler.environment, 0.0):
        return "free"


def _one_per_registry(sources: list[Source]) -> list[ImageRef]:
    """One pinned image of each registry, by the registry's name."""
    pins = [service.pin for source in sources for service in source.desired.services if service.pin]
    return [image for _, image in sorted({pin.image.host: pin.image for pin in pins}.items())]


def _known(reconciler: Reconciler, image: ImageRef) -> str:
    reconciler.host.registry.digest(image)
    return f"has {image.repository}:{image.short()} under its digest"
