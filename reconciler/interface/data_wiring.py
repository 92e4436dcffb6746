"""Constructs what looks after the databases of an environment."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.app.backing_up import couch_of
from reconciler.domain.environment import Environment
from reconciler.interface.secrets import filled
from reconciler.ports import Documents


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
