"""Constructs what looks after the databases and the search server of an environment."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.app.backing_up import couch_of
from reconciler.app.reindex import searched
from reconciler.domain.environment import Environment
from reconciler.interface.secrets import filled
from reconciler.ports import Clock, Documents, SearchServer


def documents_of(environment: Environment, environ: Mapping[str, str]) -> Documents:
    """The server of an environment's databases.

    Args:
        environment: which one.
        environ: knows the values of ``${NAME}``.

    Raises:
        Refused: it has no databases, or who we are has no value here.
    """
    from reconciler.adapters.couchdb import CouchServer

    couch = couch_of(environment)
    return CouchServer(
        couch.url,
        replication_url=couch.replication_url,
        username=filled(couch.username, environ, "data.couchdb.username"),
        password=filled(couch.password, environ, "data.couchdb.password"),
        patience_seconds=couch.time_limit_seconds,
    )


def search_server_of(environment: Environment, environ: Mapping[str, str], clock: Clock) -> SearchServer:
    """The search server of an environment.

    Args:
        environment: which one.
        environ: knows the value of ``${NAME}``.
        clock: tells how long its tasks take.

    Raises:
        Refused: it has none, or its key has no value here.
    """
    from reconciler.adapters.meilisearch import MeiliServer

    search = searched(environment)
    key = filled(search.key, environ, "data.search.meilisearch.key")
    return MeiliServer(search.url, key, clock, patience_seconds=search.timeout_seconds)
