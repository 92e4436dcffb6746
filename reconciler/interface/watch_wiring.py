"""The daemon's parts, put together: workers, triggers, and what they read."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from reconciler.adapters.file_watch import FileWatch
from reconciler.app.engine_trigger import EngineTrigger
from reconciler.app.watch import Watch
from reconciler.app.worker import Ready, Worker
from reconciler.domain.schedule import Schedule
from reconciler.interface.wiring import Wiring
from reconciler.ports import Places, Trigger
from reconciler.ports.log import Log


def _chance() -> float:
    return random.random()  # noqa: S311  # jitter is no secret


@dataclass(slots=True)
class WatchWiring:
    """The daemon over a checkout that somebody else updates.

    Args:
        wiring: the program's parts.
        log: hears what happens.
        interval_seconds: how often to look though nothing was heard.
    """

    wiring: Wiring
    log: Log
    interval_seconds: float = 60.0
    _compose_files: frozenset[Path] = frozenset()
    _projects: dict[str, frozenset[str]] = field(default_factory=dict)

    def watch(
        self, beat: Callable[[], None], ending: Callable[[], bool], hangup: Callable[[], bool]
    ) -> Watch:
        """The daemon; see ``Watch``.

        Raises:
            ReconcileError: what it is to watch cannot be read: better not to begin than to watch nothing.
        """
        self.names()
        return Watch(self.names, self.hire, self.triggers, self.log, beat, ending, hangup)

    def names(self) -> list[str]:
        """The environments that there are now."""
        return [environment.name for environment in self.wiring.environments()]

    def hire(self, name: str) -> Worker:
        """The worker of one environment."""
        return Worker(
            name,
            partial(self.ready, name),
            self.log,
            self.wiring.clock,
            _chance,
            Schedule(self.interval_seconds),
        )

    def ready(self, name: str) -> Ready | None:
        """One environment as it is to be reconciled now; None where it is not there any more."""
        found = next((one for one in self.wiring.desired.environments() if one.name == name), None)
        return Ready(self.wiring.reconciler(found)) if found is not None else None

    def triggers(self) -> dict[str, Trigger]:
        """What wakes the workers: one trigger for each engine, and one for the files."""
        environments = self.wiring.environments()
        self._compose_files = frozenset(
            self._folder / one.directory / file for one in environments for file in (*one.compose, ".env")
        )
        there = [(self.wiring.engine(one), one.project) for one in environments]
        engines = {engine.name: engine for engine, _ in there}
        self._projects = {name: frozenset(p for e, p in there if e.name == name) for name in engines}
        events: dict[str, Trigger] = {
            name: EngineTrigger(engine.events, partial(self._projects_on, name), self.wiring.clock, _chance)
            for name, engine in engines.items()
        }
        return {"files": FileWatch(self.places, partial(self.log.note, "")), **events}

    def places(self) -> Places:
        """The files whose changes count: Git's, those of the state folder, and the Compose files."""
        return self.wiring.repository.places() | Places(self._compose_files, frozenset([self._folder]))

    @property
    def _folder(self) -> Path:
        return self.wiring.settings.folder.resolve()

    def _projects_on(self, engine: str) -> frozenset[str]:
        return self._projects.get(engine, frozenset())
