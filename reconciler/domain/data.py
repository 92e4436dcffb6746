"""Where an application keeps its data, and what a rollback must know of it: what ``reconcile.yaml`` says.

``${NAME}`` in credentials stands for a secret of reconcile's own environment. It is filled in where the
adapters are made, never here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Contract(StrEnum):
    """What a release does to data that the release before it reads, the harmless first."""

    COMPATIBLE = "compatible"  # the one before it works with what it leaves
    NEEDS_RESTORE = "needs-restore"  # the one before it needs the data of before
    IRREVERSIBLE = "irreversible"  # there is no way back that a program could take


CONTRACT_LABEL = "reconcile.data"
"""The label of an image that says which contract it has; reconcile.yaml overrides it."""


class RestorePolicy(StrEnum):
    """Who decides that data goes back when a release that needs it is rejected."""

    ASK = "ask"  # a person, with ``reconcile restore``
    AUTO = "auto"  # the program does so by itself, and loses what was written since


class BackupPolicy(StrEnum):
    """When backups are made without being asked for."""

    BEFORE_RELEASE = "before-release"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class CouchDb:
    """One CouchDB server.

    Args:
        url: where it listens for us, without credentials.
        databases: what is backed up and restored, together.
        username: who we are, as ``${NAME}``; empty for nobody.
        password: as ``${NAME}``.
        replication_url: where the server reaches itself, which may be another address than ours: replication
            runs inside of it. Empty for ``url``.
        backup: when backups are made.
        keep: how many backups stay, beside those that a release to which one can go back needs.
        time_limit_seconds: how long one replication may go on without any progress.
    """

    url: str
    databases: tuple[str, ...]
    username: str = ""
    password: str = ""
    replication_url: str = ""
    backup: BackupPolicy = BackupPolicy.BEFORE_RELEASE
    keep: int = 7
    time_limit_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Index:
    """One index of a search server; ``documents`` is how many it has at least when it is whole."""

    name: str
    documents: int = 1


@dataclass(frozen=True, slots=True)
class Restarted:
    """Rebuilt by the application itself: the index is deleted and ``service`` is restarted."""

    service: str


@dataclass(frozen=True, slots=True)
class Commanded:
    """Rebuilt beside the one that serves: ``command`` runs in a one-off container of ``service``.

    It finds the name of the index that it has to fill in ``RECONCILE_INDEX``. When that is whole, the two are
    swapped.
    """

    service: str
    command: tuple[str, ...]


Rebuild = Restarted | Commanded


@dataclass(frozen=True, slots=True)
class MeiliSearch:
    """One MeiliSearch server; ``key`` is ``${NAME}``. ``timeout_seconds`` is how long a rebuild may take."""

    url: str
    indexes: tuple[Index, ...]
    rebuild: Rebuild
    key: str = ""
    timeout_seconds: float = 600.0


class Moment(StrEnum):
    """When a hook runs."""

    BEFORE_RELEASE = "before-release"  # everything is prepared, and nothing that serves was touched
    AFTER_RELEASE = "after-release"  # the gate has passed it
    BEFORE_RESTORE = "before-restore"  # data is about to go back, and its writers are stopped
    AFTER_ROLLBACK = "after-rollback"  # what ran before runs again


class HookFailure(StrEnum):
    """What it means that a hook failed. The two moments afterwards only know ``note``."""

    STOP = "stop"  # what it runs before does not happen
    NOTE = "note"  # it is reported, and nothing else


@dataclass(frozen=True, slots=True)
class Hook:
    """A command at a moment of a release, for stores that reconcile does not know itself.

    Args:
        moment: when it runs.
        command: argument list; nothing of it passes a shell.
        service: it runs in a one-off container of this service; on the host itself where this is empty.
        time_limit_seconds: after that it is ended, and has failed.
        failure: what it means that it failed.
    """

    moment: Moment
    command: tuple[str, ...]
    service: str = ""
    time_limit_seconds: float = 60.0
    failure: HookFailure = HookFailure.STOP


@dataclass(frozen=True, slots=True)
class Uses:
    """What one service has to do with data: the stores it writes to, and the contract of its releases.

    ``contract`` is None where the label of the image decides.
    """

    service: str
    stores: tuple[str, ...] = ()
    contract: Contract | None = None


@dataclass(frozen=True, slots=True)
class Data:
    """All the data of an environment."""

    couchdb: CouchDb | None = None
    search: MeiliSearch | None = None
    restore: RestorePolicy = RestorePolicy.ASK
    uses: tuple[Uses, ...] = ()
    hooks: tuple[Hook, ...] = field(default=())

    def writers(self, store: str) -> tuple[str, ...]:
        """The services that write to ``store``, sorted."""
        return tuple(sorted(one.service for one in self.uses if store in one.stores))

    def at(self, moment: Moment) -> tuple[Hook, ...]:
        """The hooks of a moment, in the order in which they are written."""
        return tuple(hook for hook in self.hooks if hook.moment is moment)

    def named(self) -> tuple[tuple[str, str], ...]:
        """The services that all this names, each with what names it."""
        rebuild = self.search.rebuild if self.search is not None else None
        return (
            *(("'services'", one.service) for one in self.uses),
            *((f"a hook {hook.moment}", hook.service) for hook in self.hooks if hook.service),
            *([("the search server's rebuild", rebuild.service)] if rebuild is not None else ()),
        )


def worst(contracts: Iterable[Contract]) -> Contract:
    """The contract of a release of several services: that of the least harmless one."""
    order = list(Contract)
    return max(contracts, key=order.index, default=Contract.COMPATIBLE)
