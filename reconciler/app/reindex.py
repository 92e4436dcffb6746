"""Rebuild the indexes of an environment's search server, or take the last exchange of them back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from reconciler.app.converge import Reconciler
from reconciler.app.fenced import fenced, fenced_search
from reconciler.app.host import Host
from reconciler.app.rebuilding import Rebuilding
from reconciler.domain.data import Commanded, Index, MeiliSearch, Restarted
from reconciler.domain.environment import Environment
from reconciler.domain.report import Verb
from reconciler.domain.search import Rebuilt
from reconciler.errors import Refused
from reconciler.ports import SearchServer


@dataclass(frozen=True, slots=True)
class Reindex:
    """The command.

    Args:
        reconciler: the environment.
        server: its search server.
    """

    reconciler: Reconciler
    server: SearchServer

    def rebuild(self, names: Sequence[str] = (), *, fewer: bool = False) -> tuple[Rebuilt, ...]:
        """Rebuild indexes, and return when they are whole.

        While a restarted service fills them, the environment is free for others: nothing is changed any more.

        Args:
            names: of the indexes; all where empty.
            fewer: whether they may have fewer documents than half of what they had.

        Raises:
            Refused: there is no search server, or no such index.
            Locked, DataFailed, DataUnreachable, PermissionRefused, HookFailed, and whatever reading and the
                engine raise.
        """
        reconciler = self.reconciler
        search = searched(reconciler.environment)
        indexes = _chosen(search, names)
        source = reconciler.desired.read(reconciler.environment)
        outside = Rebuilding(reconciler.host, self.server, search, source, fewer)
        with self._turn() as (host, server):
            rebuilding = replace(outside, host=host, server=server)
            match search.rebuild:
                case Commanded() as commanded:
                    return rebuilding.exchange(commanded, indexes)
                case Restarted() as restarted:
                    begun = rebuilding.restart(restarted, indexes)
        return outside.filled(begun)

    def follow(self) -> tuple[str, ...]:
        """Rebuild all indexes from data that were brought back; returns what was done.

        How many documents there were before says nothing then.

        Raises:
            ReconcileError: see ``rebuild``.
        """
        found = self.rebuild(fewer=True)
        return tuple(f"index {one.index} was filled again: {one.documents} documents" for one in found)

    def swap_back(self, names: Sequence[str] = ()) -> tuple[Rebuilt, ...]:
        """Exchange indexes with those that they displaced last; done again, that takes itself back.

        Raises:
            Refused: there is no search server, no such index, or nothing that was displaced.
            Locked, DataFailed, DataUnreachable, PermissionRefused, and whatever the engine raises.
        """
        indexes = _chosen(searched(self.reconciler.environment), names)
        with self._turn() as (host, server):
            began = host.clock.monotonic()
            pairs = [(index.name, _displaced(server, index.name)) for index in indexes]
            states = {name: server.state(name).documents for pair in pairs for name in pair}
            with host.step(Verb.SWITCH, ", ".join(f"index {name}" for name, _ in pairs)):
                server.swap(pairs)
            took = host.clock.monotonic() - began
        return tuple(Rebuilt(one, states[other] or 0, states[one], took, other) for one, other in pairs)

    @contextmanager
    def _turn(self) -> Iterator[tuple[Host, SearchServer]]:
        """Host and search server while the environment is ours, and as long as it is."""
        reconciler, wait = self.reconciler, self.reconciler.lock_wait_seconds
        environment = reconciler.environment
        with (
            reconciler.lock.hold(environment, wait) as identity,
            reconciler.leases.take(environment, identity, wait) as lease,
        ):
            yield fenced(reconciler.host, lease), fenced_search(self.server, reconciler.host, lease)


def searched(environment: Environment) -> MeiliSearch:
    """The search server of an environment.

    Raises:
        Refused: it has none.
    """
    if environment.data.search is None:
        raise Refused(
            f"{environment.name} has no search server in reconcile.yaml",
            hint="data: {search: {meilisearch: {url: …, indexes: […], rebuild: {restart: SERVICE}}}}",
        )
    return environment.data.search


def _chosen(search: MeiliSearch, names: Sequence[str]) -> tuple[Index, ...]:
    """The indexes of these names; all where there are none.

    Raises:
        Refused: one of them is not written down.
    """
    known = {index.name: index for index in search.indexes}
    for name in names:
        if name not in known:
            raise Refused(
                f"there is no index {name!r} in reconcile.yaml", hint=f"There are: {', '.join(known)}"
            )
    return tuple(known[name] for name in dict.fromkeys(names or known))


def _displaced(server: SearchServer, index: str) -> str:
    """What an index displaced last.

    Raises:
        Refused: nothing, or it is gone.
    """
    name = server.exchanged(index)
    if not name or name not in server.indexes():
        gone = (
            f"what it displaced, {name}, is gone"
            if name
            else "it has displaced nothing that the server knows of"
        )
        raise Refused(
            f"index {index} cannot be swapped back: {gone}",
            hint="Only what a command built beside an index displaces it. To build anew: reconcile reindex",
        )
    return name
