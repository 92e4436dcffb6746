"""MeiliSearch, over its HTTP API: https://www.meilisearch.com/docs/reference/api."""

from __future__ import annotations

from reconciler.adapters.meilisearch.server import MeiliServer

__all__ = ["MeiliServer"]
