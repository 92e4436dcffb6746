"""Where the daemon reads environments: in a checkout that somebody else updates, or in a clone of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from reconciler.adapters.git.managed import ManagedRepository
from reconciler.app.remote_trigger import RemoteTrigger
from reconciler.domain.environment import Environment
from reconciler.domain.watching import Managed, Watching
from reconciler.interface.jitter import chance
from reconciler.interface.wiring import Wiring
from reconciler.ports import Places, Trigger
from reconciler.ports.log import Log


class Checkouts(Protocol):
    """Where environments are read."""

    def all(self) -> Wiring:
        """The parts over the files in which all environments are listed.

        Raises:
            ReconcileError: there are none that can be used.
        """

    def of(self, name: str) -> Wiring:
        """The parts over the files of one environment, brought up to date.

        Raises:
            ReconcileError: they cannot be used.
        """

    def followed(self, environment: Environment) -> Environment:
        """The environment, as it is followed from there."""

    def notes(self, name: str) -> tuple[str, ...]:
        """What a person should know of what an environment is read from, each thing once."""

    def trigger(self) -> tuple[str, Trigger] | None:
        """What notices that there is something new, with a name for it; None where files alone tell."""

    def places(self) -> Places:
        """The files that tell, besides those of the state folder."""

    def hurry(self) -> None:
        """A person wants it looked at now."""

    def overtaken(self) -> str:
        """That there is something newer than what is read here; empty where nothing is known of it."""


@dataclass(frozen=True, slots=True)
class OwnCheckout:
    """A checkout that somebody else updates: all environments are read there."""

    wiring: Wiring

    def all(self) -> Wiring:
        """See ``Checkouts``."""
        return self.wiring

    def of(self, name: str) -> Wiring:  # noqa: ARG002  # they all lie in one place
        """See ``Checkouts``."""
        return self.wiring

    def followed(self, environment: Environment) -> Environment:
        """See ``Checkouts``."""
        return environment

    def notes(self, name: str) -> tuple[str, ...]:  # noqa: ARG002
        """See ``Checkouts``."""
        return ()

    def trigger(self) -> tuple[str, Trigger] | None:
        """See ``Checkouts``."""
        return None

    def places(self) -> Places:
        """See ``Checkouts``."""
        return self.wiring.repository.places()

    def hurry(self) -> None:
        """See ``Checkouts``. The next look reads what is there."""

    def overtaken(self) -> str:
        """See ``Checkouts``. Whoever updates it knows, and nobody asks the remote."""
        return ""


@dataclass(slots=True)
class OwnClone:
    """A clone that the daemon keeps, with a work tree for each environment.

    Args:
        wiring: the parts, but for what is read in a repository.
        repository: the clone.
        remote: polls what it follows.
    """

    wiring: Wiring
    repository: ManagedRepository
    remote: RemoteTrigger
    _over: dict[Path, Wiring] = field(default_factory=dict)
    _told: dict[str, str] = field(default_factory=dict)

    def all(self) -> Wiring:
        """See ``Checkouts``."""
        return self._at(self.repository.update_settings())

    def of(self, name: str) -> Wiring:
        """See ``Checkouts``."""
        return self._at(self.repository.update(name))

    def followed(self, environment: Environment) -> Environment:
        """See ``Checkouts``. HEAD is detached there, so it does not say where releases come from."""
        return environment.released_from(self.repository.branch)

    def notes(self, name: str) -> tuple[str, ...]:
        """See ``Checkouts``."""
        source = self.remote.source
        remark = source.remark if source.remark != self._told.get(name, "") else ""
        self._told[name] = source.remark
        return (remark,) if remark else ()

    def trigger(self) -> tuple[str, Trigger] | None:
        """See ``Checkouts``."""
        return "remote", self.remote

    def places(self) -> Places:
        """See ``Checkouts``. Nobody else writes there, and what we write the remote told."""
        return Places()

    def hurry(self) -> None:
        """See ``Checkouts``."""
        self.remote.hurry()

    def overtaken(self) -> str:
        """See ``Checkouts``."""
        return self.remote.moved()

    def _at(self, folder: Path) -> Wiring:
        if folder not in self._over:
            self._over[folder] = self.wiring.over(folder)
        return self._over[folder]


def cloned(wiring: Wiring, watched: Watching, repository: Managed, log: Log) -> OwnClone:
    """The clone that this host's ``watch.yaml`` asks for.

    Args:
        wiring: the program's parts.
        watched: how the daemon runs here.
        repository: what is cloned.
        log: hears what is odd about it.

    Raises:
        Refused, PermissionRefused, RepositoryFailed: it cannot be kept there.
    """
    note = partial(log.note, "")
    clone = ManagedRepository.open(
        wiring.settings.state_directory / "repository",
        repository,
        environ=wiring.settings.environ,
        stopped=wiring.interrupted,
        note=note,
    )
    remote = RemoteTrigger(clone, wiring.clock, chance, poll_seconds=watched.poll_seconds, note=note)
    return OwnClone(wiring, clone, remote)
