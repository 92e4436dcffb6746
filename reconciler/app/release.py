"""Move pins: commits that release something, and commits that roll it back."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from reconciler.app.desired import DesiredState
from reconciler.domain.causes import names
from reconciler.domain.desired import Pin, Revision
from reconciler.domain.environment import Environment
from reconciler.domain.image import ImageRef
from reconciler.domain.standing import ENVIRONMENT, ROLLBACK_OF, Earlier, earlier
from reconciler.errors import InvalidState, Refused, Stale
from reconciler.ports import Edit, Registry, Repository, StateFiles

DEEPEST = 500
"""How many commits back an earlier release is looked for."""
_TAG = re.compile(r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class Move:
    """One pin, before and after; ``before`` is empty for a service that had none."""

    service: str
    before: str
    after: str

    def __str__(self) -> str:
        one, two = names(self.before, self.after) if self.before else ("", self.after.partition("@")[0])
        return f"{self.service} {one} → {two}" if one else f"{self.service} {two}"


@dataclass(frozen=True, slots=True)
class Moved:
    """A commit that moved pins."""

    revision: Revision
    moves: tuple[Move, ...]
    subject: str
    pushed: str


@dataclass(frozen=True, slots=True)
class Pins:
    """The pins of the environments, as commits change them.

    Args:
        repository: the Git repository.
        state_files: reads and edits pins files.
        registry: resolves tags.
        desired: knows where the files are.
    """

    repository: Repository
    state_files: StateFiles
    registry: Registry
    desired: DesiredState

    def resolve(self, environment: Environment, asked: Mapping[str, str]) -> dict[str, ImageRef]:
        """The images that ``asked`` names, with their digests.

        Args:
            environment: whose pins.
            asked: service → ``repository:tag``, ``repository:tag@digest``, or ``:tag`` for another tag
                of the repository that is pinned now.

        Raises:
            Refused: not an image, unknown at the registry, or ``:tag`` of a service without a pin.
            RegistryUnreachable, PermissionRefused: the registry cannot be asked.
        """
        present = {pin.service: pin.image for pin in self._pins(environment, self.repository.head())}
        resolved: dict[str, ImageRef] = {}
        for service, text in asked.items():
            image = _asked_image(service, text, present)
            resolved[service] = image.with_digest(self.registry.digest(image))
        return resolved

    def images(self, environment: Environment) -> dict[str, str]:
        """Service → image, as HEAD pins them."""
        return self._images(environment, self.repository.head())

    def pin(
        self,
        environment: Environment,
        images: Mapping[str, ImageRef],
        *,
        reason: str = "",
        push: str = "",
        base: str = "",
        details: Sequence[str] = (),
        trailers: Mapping[str, str] = MappingProxyType({}),
    ) -> Moved:
        """Commit new pins: exactly one scalar changes per service.

        Args:
            environment: whose pins.
            images: service → image with its digest.
            reason: why, for the commit message and the history.
            push: the branch to push to, or empty.
            base: the branch that ``push`` begins on, where that is a new one.
            details: more lines for the commit message.
            trailers: more of them.

        Raises:
            Refused: every pin is as asked already.
            Stale, RepositoryUnreachable, PermissionRefused, RepositoryFailed: the commit cannot be made.
        """
        moves = self._moves(environment, images)
        if not moves:
            raise Refused(f"{environment.name} pins {', '.join(images)} like that already")
        subject = f"{environment.name}: {', '.join(map(str, moves))}"
        trailers = {ENVIRONMENT: environment.name, **trailers}
        message = _message(subject, reason, trailers, details)
        return self._commit(environment, images, moves, message, push, base)

    def previous(self, environment: Environment, services: Sequence[str]) -> Earlier:
        """The release to roll back, and the images that its services had before it.

        Raises:
            Refused: there is no earlier release.
        """
        found = earlier(self.desired.stacks(environment, DEEPEST), services)
        if found is None:
            what = f"{', '.join(services)} of {environment.name}" if services else environment.name
            raise Refused(
                f"there is no earlier release of {what} to go back to", hint="Name a revision with --to"
            )
        return found

    def roll_back(
        self,
        environment: Environment,
        services: Sequence[str],
        *,
        to: str = "",
        reason: str = "",
        push: str = "",
        require: Callable[[tuple[Move, ...]], None] = lambda _moves: None,
    ) -> Moved:
        """Commit the pins that an earlier release had: one scalar per service, nothing else.

        Args:
            environment: whose pins.
            services: which of them; all where empty.
            to: the revision whose pins are taken; the release before the present one where empty.
            reason: why, for the commit message and the history.
            push: the branch to push to, or empty.
            require: sees what would be moved, and raises where it must not be.

        Raises:
            Refused: nothing would change, or there is no earlier release.
            Stale: somebody moved one of these pins meanwhile; the person wins.
        """
        if to:
            target = self.repository.resolve(to)
            images = self._pinned_at(environment, target, services)
            latest = self.repository.log(self._path(environment), limit=1)
            release = latest[0].id if latest else ""
        else:
            found = self.previous(environment, services)
            images = {name: ImageRef.parse(image) for name, image in found.images.items()}
            release = found.commit
        moves = self._moves(environment, images)
        if not moves:
            raise Refused(f"the pins of {environment.name} are like that already")
        require(moves)
        subject = f"Roll back {environment.name}: {', '.join(map(str, moves))}"
        trailers = {
            ENVIRONMENT: environment.name,
            ROLLBACK_OF: release,
            "Reconcile-Reason": reason,
        }
        return self._commit(environment, images, moves, _message(subject, reason, trailers), push)

    def _pinned_at(
        self, environment: Environment, target: Revision, services: Sequence[str]
    ) -> dict[str, ImageRef]:
        then = {pin.service: pin.image for pin in self._pins(environment, target)}
        unknown = [name for name in services if name not in then]
        if unknown:
            raise Refused(f"{', '.join(unknown)} had no pin in {environment.name} at {target.short()}")
        now = self._images(environment, self.repository.head())
        return {
            name: image for name, image in then.items() if (name in services if services else name in now)
        }

    def _commit(
        self,
        environment: Environment,
        images: Mapping[str, ImageRef],
        moves: tuple[Move, ...],
        message: str,
        push: str,
        base: str = "",
    ) -> Moved:
        path = self._path(environment)
        before = {move.service: move.before for move in moves}

        def derive(text: str) -> str:
            there = {pin.service: str(pin.image) for pin in self.state_files.pins(text, path)}
            for service, was in before.items():
                now = there.get(service, "")
                if now not in (was, str(images[service])):
                    raise Stale(
                        f"somebody moved the pin of {service} in {environment.name} meanwhile",
                        hint="Look at the history, and run the command again if it is still meant",
                    )
                text = self.state_files.with_pin(text, path, service, images[service])
            return text

        self._refuse_dirty(path)
        revision = self.repository.commit([Edit(path, derive)], message, push=push, base=base)
        return Moved(revision, moves, message.splitlines()[0], push)

    def _refuse_dirty(self, path: str) -> None:
        """A half-edited pins file is somebody's work: it is not ours to overwrite."""
        if self.repository.uncommitted([path]):
            raise InvalidState(f"{path} has uncommitted changes", hint="Commit or stash them first")

    def _moves(self, environment: Environment, images: Mapping[str, ImageRef]) -> tuple[Move, ...]:
        now = self._images(environment, self.repository.head())
        moves = (Move(name, now.get(name, ""), str(image)) for name, image in sorted(images.items()))
        return tuple(move for move in moves if move.before != move.after)

    def _images(self, environment: Environment, revision: Revision) -> dict[str, str]:
        return {pin.service: str(pin.image) for pin in self._pins(environment, revision)}

    def _pins(self, environment: Environment, revision: Revision) -> tuple[Pin, ...]:
        path = self._path(environment)
        return self.state_files.pins(self.repository.read(revision, path), path)

    def _path(self, environment: Environment) -> str:
        return self.desired.path(environment.pins)


def _asked_image(service: str, text: str, present: Mapping[str, ImageRef]) -> ImageRef:
    """What a person typed after ``SERVICE=``."""
    if _TAG.fullmatch(text):
        if service not in present:
            raise Refused(
                f"{service} has no pin yet, so {text} names no repository", hint=f"{service}=repository{text}"
            )
        return ImageRef(present[service].repository, text[1:])
    try:
        return ImageRef.parse(text)
    except ValueError as error:
        raise Refused(f"{service}: {error}") from error


def _message(subject: str, reason: str, trailers: Mapping[str, str], details: Sequence[str] = ()) -> str:
    """A commit message; a reason's line breaks would start new trailers, so they become spaces."""
    body = f"{' '.join(reason.split())}\n\n" if reason else ""
    body += "".join(f"- {' '.join(line.split())}\n" for line in details) + ("\n" if details else "")
    lines = [f"{key}: {' '.join(value.split())}" for key, value in trailers.items() if value]
    return f"{subject}\n\n{body}" + "\n".join(lines) + "\n"
