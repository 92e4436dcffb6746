"""CouchDB: databases with their states, replication inside of the server, leaves of revision trees."""

from __future__ import annotations

from reconciler.adapters.couchdb.server import CouchServer

__all__ = ["CouchServer"]
