"""The only place that constructs adapters. Heavy ones are imported when they are built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.converge import Reconciler
from reconciler.app.data_care import NoData
from reconciler.app.desired import DesiredState
from reconciler.app.host import Host, NoHooks
from reconciler.domain.channels import Channel
from reconciler.domain.environment import Environment
from reconciler.domain.policy import Limits
from reconciler.errors import Refused
from reconciler.interface.failpoints import Failpoints
from reconciler.interface.settings import Settings
from reconciler.ports import (
    Clock,
    Hooks,
    Journal,
    Notifier,
    Outbox,
    Proposals,
    Registry,
    Repository,
    StateFiles,
)

if TYPE_CHECKING:
    from reconciler.adapters.compose import ComposeCli
    from reconciler.adapters.docker_host import DockerHost
    from reconciler.app.relay import Relay
    from reconciler.app.release import Pins
    from reconciler.interface.data_wiring import DataWiring
    from reconciler.interface.render.live import Rows


def _silence() -> Rows:
    from reconciler.interface.render.live import Silence

    return Silence()


@dataclass(slots=True)
class Wiring:
    """The program's parts for one run, built when first needed.

    Args:
        settings: how this run was called.
        rows: shows the progress of passes.
        interrupted: whether the run is to end.
    """

    settings: Settings
    rows: Rows = field(default_factory=_silence)
    interrupted: Callable[[], bool] = field(default=lambda: False)
    _failpoints: Failpoints | None = None
    _repository: Repository | None = None
    _desired: DesiredState | None = None
    _compose: ComposeCli | None = None
    _engines: dict[tuple[str, str], DockerHost] = field(default_factory=dict)
    _journals: dict[str, Journal] = field(default_factory=dict)
    _outboxes: dict[str, Outbox] = field(default_factory=dict)
    _own: str | None = None

    def over(self, folder: Path) -> Wiring:
        """The same parts over another state folder; engines and journals are shared."""
        settings = replace(self.settings, folder=folder)
        return replace(self, settings=settings, _repository=None, _desired=None, _compose=None)

    @property
    def failpoints(self) -> Failpoints:
        """Where a test has the program killed; nowhere as a rule."""
        if self._failpoints is None:
            self._failpoints = Failpoints.of(self.settings.environ)
        return self._failpoints

    @property
    def repository(self) -> Repository:
        """The Git repository around the state folder."""
        if self._repository is None:
            from reconciler.adapters.git import GitRepository

            found = GitRepository.discover(self.settings.folder)
            self._repository = self.failpoints.repository(found)
        return self._repository

    @property
    def state_files(self) -> StateFiles:
        """The reader of YAML."""
        from reconciler.adapters.state_files import YamlStateFiles

        return YamlStateFiles(self.settings.state_directory / "accepted")

    @property
    def compose(self) -> ComposeCli:
        """Docker Compose."""
        if self._compose is None:
            from reconciler.adapters.compose import ComposeCli
            from reconciler.adapters.compose.executable import Executable

            environ = self.settings.environ
            self._compose = ComposeCli(
                Executable.find(environ), environ, self.settings.folder, self.settings.state_directory
            )
        return self._compose

    @property
    def hooks(self) -> Hooks:
        """What runs the hooks of environments."""
        from reconciler.adapters.hooks import CommandHooks
        from reconciler.interface.cli.masked import hidden

        environ = self.settings.environ
        return CommandHooks(
            environ,
            self.settings.folder,
            self.compose.one_off,
            lambda environment, said: hidden(environment, environ, said),
        )

    @property
    def clock(self) -> Clock:
        """Time."""
        from reconciler.adapters.clock import SystemClock

        return SystemClock()

    @property
    def registry(self) -> Registry:
        """Image registries."""
        from reconciler.adapters.registry import HttpRegistry

        return HttpRegistry()

    @property
    def desired(self) -> DesiredState:
        """What Git says."""
        if self._desired is None:
            self._desired = DesiredState(
                repository=self.repository,
                state_files=self.state_files,
                compose=self.compose,
                folder=self.folder,
                allow_dirty=self.settings.allow_dirty,
                allowed_powers=self.settings.allowed,
            )
        return self._desired

    @property
    def pins(self) -> Pins:
        """What moves pins."""
        from reconciler.app.release import Pins

        return Pins(self.repository, self.state_files, self.registry, self.desired)

    def push_branch(self) -> str:
        """The branch to push to.

        Raises:
            Refused: the present branch has no remote branch.
        """
        branch = self.repository.upstream()
        if not branch:
            raise Refused(
                "the present branch has no remote branch to push to", hint="git push -u origin BRANCH"
            )
        return branch

    def proposals(self) -> Proposals:
        """Where merges are asked for.

        Raises:
            Refused: the environment does not say where, or as whom.
        """
        from reconciler.interface.notice_wiring import proposals_of

        return proposals_of(self.settings.environ)

    @property
    def folder(self) -> str:
        """The state folder, relative to the repository's top level."""
        folder = self.settings.folder.resolve()
        return folder.relative_to(self.repository.top.resolve()).as_posix().removeprefix(".")

    def environments(self) -> tuple[Environment, ...]:
        """The environments of this run: those that were asked for, or all.

        Raises:
            Refused: an environment does not exist.
        """
        known = {environment.name: environment for environment in self.desired.environments()}
        for name in self.settings.environments:
            if name not in known:
                raise Refused(
                    f"there is no environment {name!r} in reconcile.yaml",
                    hint=f"There are: {', '.join(known)}",
                )
        return tuple(known[name] for name in (self.settings.environments or known))

    def engine(self, environment: Environment) -> DockerHost:
        """The engine of an environment; environments on one engine share it."""
        place = (environment.engine_host, environment.engine_context)
        if place not in self._engines:
            from reconciler.adapters.docker_host import DockerHost
            from reconciler.adapters.registry import HttpRegistry

            registry = HttpRegistry()
            self._engines[place] = DockerHost(
                environment.engine_host,
                context=environment.engine_context,
                registry=registry,
                logins=registry.logins,
            )
        return self._engines[place]

    def journal(self, environment: Environment) -> Journal:
        """What this host wrote down about passes. The engine is not asked, and need not be there.

        A daemon keeps it open: to open it takes longer than all that a pass with nothing to do reads there.
        """
        name = self.engine(environment).name
        if name not in self._journals:
            from reconciler.adapters.host_state import Place, SqliteJournal

            self._journals[name] = SqliteJournal(Place(self.settings.state_directory, name))
        return self._journals[name]

    def outbox(self, environment: Environment) -> Outbox:
        """What people are still to be told, in the journal. The engine need not be there."""
        name = self.engine(environment).name
        if name not in self._outboxes:
            from reconciler.adapters.host_state import Place, SqliteOutbox

            self._outboxes[name] = SqliteOutbox(Place(self.settings.state_directory, name))
        return self._outboxes[name]

    def notifier(self, environment: Environment, channel: Channel) -> Notifier:
        """What speaks to a channel.

        Raises:
            NoticeRefused: a secret has no value here, or is not one for this service; or it is a command,
                and this host does not allow that.
        """
        from reconciler.interface.notice_wiring import notifier_of, require_allowed

        require_allowed(environment, channel, self.settings.allowed)
        return notifier_of(environment, channel, self.settings.environ)

    def relay(self, environment: Environment) -> Relay | None:
        """What delivers to the channels of an environment; None where it has none."""
        if not environment.notify.channels:
            return None
        from reconciler.app.relay import Relay
        from reconciler.interface.notice_wiring import details_of

        journal, environ = self.journal(environment), self.settings.environ
        return Relay(
            environment,
            self.outbox(environment),
            self.clock,
            partial(self.notifier, environment),
            partial(details_of, environment, journal, environ),
        )

    @property
    def own(self) -> str:
        """The container that we run in; empty where we run in none."""
        if self._own is None:
            from reconciler.adapters.own_container import own_container

            self._own = own_container()
        return self._own

    @property
    def data(self) -> DataWiring:
        """What looks after the data of environments."""
        from reconciler.interface.data_wiring import DataWiring

        return DataWiring(self)

    def reconciler(self, environment: Environment) -> Reconciler:
        """Everything that a pass over ``environment`` needs."""
        from reconciler.adapters.calendar import CronCalendar
        from reconciler.adapters.host_state import LockFile, Place
        from reconciler.adapters.probe import OutsideProbe

        settings = self.settings
        self.rows.expect(environment.name, environment.gate)
        engine = self.engine(environment)
        place = Place(settings.state_directory, engine.name)
        return Reconciler(
            environment=environment,
            desired=self.desired,
            host=Host(
                engine=engine,
                compose=self.compose,
                registry=self.registry,
                probe=OutsideProbe(),
                clock=self.clock,
                progress=partial(self.rows.finished, environment.name),
                started=partial(self.rows.started, environment.name),
                watching=partial(self.rows.watching, environment.name),
                interrupted=self.interrupted,
                attended=settings.observe,
                failpoint=self.failpoints.host,
                hooks=self.hooks if environment.data.hooks else NoHooks(),
            ),
            journal=self.failpoints.journal(self.journal(environment)),
            lock=LockFile(place, self.clock),
            leases=self.failpoints.leases(engine.leases),
            limits=Limits.lifted() if settings.allow_mass_change else Limits(change=environment.max_change),
            pauses=engine.pauses,
            calendar=CronCalendar(),
            lock_wait_seconds=settings.lock_wait_seconds,
            parachute=settings.parachute,
            own=self.own,
            approved=settings.approved,
            care=self.data.care(environment) if environment.data.couchdb is not None else NoData(),
            outbox=self.outbox(environment) if environment.notify.channels else None,
        )
