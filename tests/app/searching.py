"""A shop whose backend fills a search index when it starts: a fake engine, and the double of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.adapters.meilisearch import MeiliServer
from reconciler.app.guarded import guarded
from reconciler.app.reindex import Reindex
from reconciler.domain.data import Commanded, Data, Hook, Index, MeiliSearch, Rebuild, Restarted
from reconciler.domain.desired import Service
from reconciler.domain.environment import Environment
from reconciler.ports import Ran
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.meilisearch import MeiliDouble
from tests.domain.values import environment, svc

RESTARTED = Restarted("backend")
COMMANDED = Commanded("backend", ("fill-index", "--all"))


def searching(
    rebuild: Rebuild = RESTARTED, *indexes: Index, services: Sequence[Service] = (svc("backend"), svc("web"))
) -> Passes:
    """A shop that runs, with an index of customers where no others are named."""
    search = MeiliSearch("http://nowhere", indexes or (Index("customers"),), rebuild, timeout_seconds=20.0)
    env: Environment = replace(environment(), data=Data(search=search))
    return Passes(Scene(tuple(services), env=env)).up()


@dataclass
class Shop:
    """The shop. ``starts`` is what the backend does when it is started, ``builds`` what the command does."""

    passes: Passes
    double: MeiliDouble
    starts: Callable[[], object] = lambda: None
    builds: Callable[[str], object] = lambda _index: None

    @property
    def scene(self) -> Scene:
        return self.passes.scene

    @property
    def server(self) -> MeiliServer:
        return MeiliServer(self.double.url, self.double.key, self.scene.clock, patience_seconds=60.0)

    @property
    def reindex(self) -> Reindex:
        reconciler = self.passes.reconciler
        engine = guarded(reconciler.host.engine, "engine", ("engine.start",), self._starting)
        host = replace(reconciler.host, engine=engine, hooks=self)
        return Reindex(replace(reconciler, host=host), self.server)

    @contextmanager
    def _starting(self, _change: str) -> Iterator[None]:
        yield
        self.starts()

    def run(
        self,
        environment: Environment,
        files: Sequence[Path],
        hook: Hook,
        variables: Mapping[str, str],
        images: Mapping[str, str],
    ) -> Ran:
        """The `Hooks` port: a command does what it does, and ends as the scene says."""
        self.builds(variables["RECONCILE_INDEX"])
        return self.scene.hooks.run(environment, files, hook, variables, images)

    def documents(self, **counts: int) -> None:
        """What the server has before, by index."""
        for index, count in counts.items():
            self.double.fill(index, count, filterableAttributes=["name"])
