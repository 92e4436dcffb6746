"""Fill the indexes of a search server again: by restarting what fills them, or beside those that serve.

Who calls this holds the environment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from reconciler.app.desired import Source
from reconciler.app.filling import Patience
from reconciler.app.hooks import remove_one_offs
from reconciler.app.host import Host
from reconciler.app.switch import USUAL_GRACE_SECONDS
from reconciler.domain.data import Commanded, Hook, Index, MeiliSearch, Moment, Restarted
from reconciler.domain.observed import Instance, Observed, Role
from reconciler.domain.report import Verb
from reconciler.domain.search import Filling, Rebuilt, beside, built_beside
from reconciler.errors import DataFailed, HookFailed, ReconcileError
from reconciler.ports import SearchServer

INDEX_VARIABLE = "RECONCILE_INDEX"
"""Tells a command which index it has to fill."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Indexes that were deleted, and that a restarted service fills now.

    ``before`` is how many documents each had, ``since`` the newest task from before the service was started,
    and ``began`` when that was, by the monotonic clock.
    """

    indexes: tuple[Index, ...]
    before: Mapping[str, int | None]
    since: int
    began: float


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """What indexes are rebuilt with.

    Args:
        host: the environment's outside.
        server: the search server.
        search: what is written of it.
        source: what Git says of the environment.
        fewer: whether an index may have fewer documents than half of what it had: as after a restore, where
            nobody knows how many there were.
    """

    host: Host
    server: SearchServer
    search: MeiliSearch
    source: Source
    fewer: bool = False

    # --- By restarting what fills them ----------------------------------------------------------------

    def restart(self, rebuild: Restarted, indexes: Sequence[Index]) -> Begun:
        """Delete the indexes and restart the service that fills them.

        What the service writes between the two creates an index anew, without its settings
        (https://www.meilisearch.com/docs/reference/api/documents), and might be taken for the index itself
        when it starts. So what is there by the time it is stopped is deleted as well.

        Raises:
            DataFailed, DataUnreachable, PermissionRefused, EngineFailed: where something was deleted already,
                the service was restarted all the same.
        """
        observed = self.host.engine.observe(self.source.desired.environment.project)
        instances = _serving(observed, rebuild.service)
        before = {index.name: self.server.state(index.name).documents for index in indexes}
        deleted: list[str] = []
        try:
            for index in indexes:
                self._remove(index.name)
                deleted.append(index.name)
        except ReconcileError:
            if deleted:
                with suppress(ReconcileError):  # what went wrong first is what is told
                    self._restart(rebuild, instances, observed, deleted)
            raise
        since = self._restart(rebuild, instances, observed, deleted)
        return Begun(tuple(indexes), before, since, self.host.clock.monotonic())

    def filled(self, begun: Begun) -> tuple[Rebuilt, ...]:
        """Wait until they are whole. Nothing is changed meanwhile.

        Raises:
            DataFailed, DataUnreachable, PermissionRefused: see ``Patience``.
        """
        fillings = {i.name: Filling.of(i, begun.before[i.name], fewer=self.fewer) for i in begun.indexes}
        with self.host.step(Verb.VERIFY, ", ".join(f"index {name}" for name in fillings)):
            found = self._patience.wait(fillings, begun.since)
        took = self.host.clock.monotonic() - begun.began
        return tuple(Rebuilt(name, found[name], begun.before[name], took) for name in fillings)

    def _restart(
        self, rebuild: Restarted, instances: Sequence[Instance], observed: Observed, indexes: Sequence[str]
    ) -> int:
        """Restart the service; returns the newest task from before it was started."""
        engine, grace = self.host.engine, self._grace(rebuild.service)
        joiners = _joiners(observed, instances)
        with self.host.step(Verb.RESTART, rebuild.service):
            for joiner in joiners:
                engine.stop(joiner.id, USUAL_GRACE_SECONDS)
            for instance in instances:
                engine.stop(instance.id, grace)
            try:
                for name in indexes:
                    left = self.server.state(name)
                    if left.busy or left.documents is not None:
                        self.server.remove(name)
                return self.server.last_task()
            finally:
                for instance in (*instances, *joiners):
                    engine.start(instance.id)

    def _grace(self, name: str) -> float:
        services = (service for service in self.source.desired.services if service.name == name)
        return next((service.stop_grace_seconds for service in services), USUAL_GRACE_SECONDS)

    # --- Beside those that serve ----------------------------------------------------------------------

    def exchange(self, rebuild: Commanded, indexes: Sequence[Index]) -> tuple[Rebuilt, ...]:
        """Build each index beside the one that serves, and exchange them all at once when they are whole.

        Until then nothing that serves is touched. What was displaced stays, under the name under which the
        new one was built; older ones go.

        Raises:
            HookFailed: a command did.
            DataFailed, DataUnreachable, PermissionRefused: what was built goes, and what served serves on.
        """
        began = self.host.clock.monotonic()
        built: dict[str, Rebuilt] = {}
        try:
            for index in indexes:
                name = beside(
                    index.name, self.source.desired.revision.commit, {self.server.exchanged(index.name)}
                )
                built[index.name] = Rebuilt(index.name, 0, None, 0.0, name)
                built[index.name] = self._build(rebuild, index, name)
        except ReconcileError:
            for one in built.values():
                with suppress(ReconcileError):  # what went wrong first is what is told
                    self._remove(one.displaced)
            raise
        self._swap([(one.index, one.displaced) for one in built.values()])
        took = self.host.clock.monotonic() - began
        return tuple(self._cleared(replace(one, seconds=took)) for one in built.values())

    def _build(self, rebuild: Commanded, index: Index, name: str) -> Rebuilt:
        """Fill an index beside another. One that a killed run left would be filled up, and goes first."""
        before = self.server.state(index.name).documents
        with self.host.step(Verb.CREATE, f"index {name}"):
            self.server.remove(name)
            since = self.server.last_task()
            self._run(rebuild, name)
        with self.host.step(Verb.VERIFY, f"index {name}"):
            found = self._patience.wait({name: Filling.of(index, before, fewer=self.fewer)}, since)
        return Rebuilt(index.name, found[name], before, 0.0, name)

    def _run(self, rebuild: Commanded, name: str) -> None:
        """Run the command that fills an index, in a one-off container of what Git wants to run.

        Raises:
            HookFailed: it did not end well.
        """
        desired, limit = self.source.desired, self.search.timeout_seconds
        # It is run as hooks are, at no moment of a release.
        hook = Hook(Moment.AFTER_RELEASE, rebuild.command, rebuild.service, limit)
        variables = {
            INDEX_VARIABLE: name,
            "RECONCILE_ENVIRONMENT": desired.environment.name,
            "RECONCILE_REVISION": desired.revision.commit,
        }
        code: int | None = None
        try:
            ran = self.host.hooks.run(
                desired.environment, self.source.files, hook, variables, desired.instead
            )
            code = ran.code
        finally:
            if code is None:
                remove_one_offs(self.host, desired.environment.project)
        if code != 0:
            how = f"did not end within {limit:g} s" if code is None else f"exited with {code}"
            last = ran.output.rpartition("\n")[2].strip()
            where = f"in a container of {rebuild.service}, which is to fill index {name},"
            raise HookFailed(
                f"{rebuild.command[0]} {where} {how}" + (f": {last[:200]}" if last else ""),
                hint="What serves was not touched",
            )

    def _swap(self, pairs: Sequence[tuple[str, str]]) -> None:
        """An index that was not there is made first: the server exchanges only what is there."""
        there = self.server.indexes()
        with self.host.step(Verb.SWITCH, ", ".join(f"index {name}" for name, _ in pairs)):
            for name, _ in pairs:
                if name not in there:
                    self.server.create(name)
            self.server.swap(pairs)

    def _cleared(self, one: Rebuilt) -> Rebuilt:
        """Remove what was displaced earlier, and what was displaced now where nothing was in it."""
        gone: list[str] = []
        try:
            for name in built_beside(one.index, self.server.indexes()):
                if name != one.displaced or one.before is None:
                    self._remove(name)
                    gone.append(name)
        except ReconcileError as error:
            one = replace(one, note=f"older indexes stay beside {one.index}: {error.problem}")
        displaced = "" if one.displaced in gone else one.displaced
        return replace(
            one, displaced=displaced, removed=tuple(name for name in gone if name != one.displaced)
        )

    # --- Both -----------------------------------------------------------------------------------------

    @property
    def _patience(self) -> Patience:
        return Patience(self.host, self.server, self.search.timeout_seconds)

    def _remove(self, name: str) -> None:
        with self.host.step(Verb.REMOVE, f"index {name}"):
            self.server.remove(name)


def _serving(observed: Observed, service: str) -> tuple[Instance, ...]:
    """The containers that fill the indexes.

    Raises:
        DataFailed: there are none.
    """
    found = tuple(i for i in observed.of(service) if i.role is Role.SERVING and i.running)
    if not found:
        raise DataFailed(
            f"no container of service {service} runs, which is to fill the index: nothing was deleted",
            hint="reconcile --once starts it, where Git wants it",
        )
    return found


def _joiners(observed: Observed, instances: Sequence[Instance]) -> tuple[Instance, ...]:
    """What joins the network of these containers: it would run without one after their restart."""
    joined = {instance.id for instance in instances}
    return tuple(i for i in observed.instances if i.running and i.network_of in joined)
