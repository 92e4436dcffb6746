"""The daemon's parts, put together: workers, triggers, and what they read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.adapters.file_watch import FileWatch
from reconciler.app.engine_trigger import EngineTrigger
from reconciler.app.watch import Watch
from reconciler.app.worker import Ready, Worker
from reconciler.domain.environment import Environment
from reconciler.domain.schedule import Schedule
from reconciler.domain.triggers import Occurrence
from reconciler.errors import ReconcileError
from reconciler.interface.checkouts import Checkouts
from reconciler.interface.jitter import chance
from reconciler.ports import Places, Trigger
from reconciler.ports.log import Log

if TYPE_CHECKING:
    from reconciler.adapters.docker_host import DockerHost
    from reconciler.interface.wiring import Wiring


@dataclass(slots=True)
class WatchWiring:
    """The daemon's parts.

    Args:
        wiring: the program's parts.
        checkouts: where environments are read.
        log: hears what happens.
        interval_seconds: how often to look though nothing was heard.
    """

    wiring: Wiring
    checkouts: Checkouts
    log: Log
    interval_seconds: float = 60.0
    _environments: Sequence[Environment] = ()
    _workers: dict[str, Worker] = field(default_factory=dict)

    def watch(
        self, beat: Callable[[], None], ending: Callable[[], bool], hangup: Callable[[], bool]
    ) -> Watch:
        """The daemon; see ``Watch``."""

        def hurried() -> bool:
            asked = hangup()
            if asked:
                self.checkouts.hurry()
            return asked

        return Watch(self.names, self.hire, self.triggers, self.log, beat, ending, hurried)

    def names(self) -> list[str]:
        """The environments that there are now.

        Raises:
            ReconcileError: they cannot be read.
        """
        return [environment.name for environment in self._read()]

    def hire(self, name: str) -> Worker:
        """The worker of one environment."""
        ready, schedule = partial(self.ready, name), Schedule(self.interval_seconds)
        self._workers[name] = Worker(name, ready, self.log, self.wiring.clock, chance, schedule)
        return self._workers[name]

    def ready(self, name: str) -> Ready | None:
        """One environment as it is to be reconciled now; None where it is not there any more.

        Raises:
            ReconcileError: it cannot be read.
        """
        wiring = self.checkouts.of(name)
        found = next((one for one in wiring.desired.environments() if one.name == name), None)
        if found is None:
            return None
        reconciler = wiring.reconciler(self.checkouts.followed(found))
        reconciler = replace(reconciler, overtaken=self.checkouts.overtaken)
        return Ready(reconciler, self.checkouts.notes(name), wiring.relay(found))

    def triggers(self) -> dict[str, Trigger]:
        """What wakes the workers, by name. Where no environment can be read, what may change that."""
        remote = self.checkouts.trigger()
        found: dict[str, Trigger] = dict([remote] if remote is not None else [])
        try:
            environments = self._read()
        except ReconcileError:  # told by whoever asks for their names
            environments = ()
        engines = {engine.name: engine for engine in map(self.wiring.engine, environments)}
        found |= {name: self._of_engine(engine) for name, engine in engines.items()}
        if remote is not None:
            return found
        return {"files": FileWatch(self.places, self._note, self.wiring.repository.top), **found}

    def places(self) -> Places:
        """The files whose changes count: Git's, those of the state folder, and the Compose files."""
        folder = self.wiring.settings.folder.resolve()
        files = frozenset(
            folder / one.directory / file for one in self._environments for file in (*one.compose, ".env")
        )
        return self.checkouts.places() | Places(files, frozenset([folder]))

    def _read(self) -> Sequence[Environment]:
        self._environments = self.checkouts.all().environments()
        return self._environments

    def _note(self, words: str) -> None:
        self.log.note("", words)

    def _of_engine(self, engine: DockerHost) -> EngineTrigger:
        projects = partial(self._projects, engine.name)
        return EngineTrigger(engine.events, projects, self.wiring.clock, chance, self._heard)

    def _projects(self, engine: str) -> frozenset[str]:
        """The projects of the environments on an engine."""
        return frozenset(one.project for one in self._environments if self.wiring.engine(one).name == engine)

    def _heard(self, occurrence: Occurrence) -> None:
        for worker in tuple(self._workers.values()):
            if worker.project == occurrence.project:
                worker.correcting.heard(occurrence)
