"""Constructs what looks after the databases and the search server of environments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.domain.environment import Environment
from reconciler.interface.secrets import filled

if TYPE_CHECKING:
    from reconciler.app.data_care import DataCare
    from reconciler.app.reindex import Reindex
    from reconciler.app.restore import Restore
    from reconciler.interface.wiring import Wiring
    from reconciler.ports import Documents, SearchServer


@dataclass(frozen=True, slots=True)
class DataWiring:
    """Constructs on top of ``wiring``, when something is needed."""

    wiring: Wiring

    def documents(self, environment: Environment) -> Documents:
        """The server of an environment's databases.

        Raises:
            Refused: it has none, or who we are has no value here.
        """
        from reconciler.adapters.couchdb import CouchServer
        from reconciler.app.backing_up import couch_of

        couch, environ = couch_of(environment), self.wiring.settings.environ
        return CouchServer(
            couch.url,
            replication_url=couch.replication_url,
            username=filled(couch.username, environ, "data.couchdb.username"),
            password=filled(couch.password, environ, "data.couchdb.password"),
            patience_seconds=couch.time_limit_seconds,
        )

    def restore(self, environment: Environment, by: str = "") -> Restore:
        """What brings the databases of an environment back.

        Args:
            environment: which one.
            by: who asks for it.

        Raises:
            Refused: see ``documents``.
        """
        from reconciler.adapters.host_state import ExportFiles, Place
        from reconciler.app.by_hand import run_hooks
        from reconciler.app.leaf_memory import remembering
        from reconciler.app.restore import Restore

        engine = self.wiring.engine(environment)
        return Restore(
            environment,
            self.wiring.journal(environment),
            engine.pauses,
            remembering(self.documents(environment)),
            ExportFiles(Place(self.wiring.settings.state_directory, engine.name)),
            by,
            before=partial(run_hooks, self.wiring.desired, environment),
            after=partial(self._follow, environment),
        )

    def _follow(self, environment: Environment) -> tuple[str, ...]:
        """What has to follow the databases of an environment; returns what was done."""
        return self.reindex(environment).follow() if environment.data.search is not None else ()

    def search_server(self, environment: Environment) -> SearchServer:
        """The search server of an environment's data.

        Raises:
            Refused: it has none, or the key has no value here.
        """
        from reconciler.adapters.meilisearch import MeiliServer
        from reconciler.app.reindex import searched

        search = searched(environment)
        key = filled(search.key, self.wiring.settings.environ, "data.search.meilisearch.key")
        return MeiliServer(search.url, key, self.wiring.clock, patience_seconds=search.timeout_seconds)

    def reindex(self, environment: Environment) -> Reindex:
        """What rebuilds the indexes of an environment.

        Raises:
            Refused: see ``search_server``.
        """
        from reconciler.app.reindex import Reindex

        server, reconciler = self.search_server(environment), self.wiring.reconciler(environment)
        host = replace(reconciler.host, hooks=self.wiring.hooks)
        return Reindex(replace(reconciler, host=host), server)

    def care(self, environment: Environment) -> DataCare:
        """What looks after the databases of an environment in its releases."""
        from reconciler.app.couch_care import CouchCare

        return CouchCare(partial(self.restore, environment))
