"""What the schema cannot say about data and hooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.adapters.state_files.credentials import secret_words
from reconciler.adapters.state_files.data import hooks, indexes, stores
from reconciler.adapters.state_files.nodes import Text
from reconciler.adapters.state_files.quantities import seconds
from reconciler.adapters.state_files.source import Source, quoted
from reconciler.adapters.state_files.written import Written
from reconciler.errors import Finding

_LONGEST: Final = "24h"


def broken_data(source: Source, environment: Written) -> Iterator[Finding]:
    """The findings of one environment that the schema has accepted."""
    data = environment.part("data")
    couchdb, meilisearch = data.part("couchdb"), data.part("search").part("meilisearch")
    called = [Written(node) for _, node in hooks(environment)]
    yield from _unknown_stores(source, environment)
    yield from _twice(source, "database", couchdb.items("databases"))
    yield from _twice(source, "index", (name for name, _ in indexes(meilisearch)))
    for part in (couchdb, meilisearch, *called):
        yield from _too_long(source, part)
    for part, key in ((meilisearch.part("rebuild"), "command"), *((hook, "run") for hook in called)):
        yield from secret_words(source, part.items(key))


def _unknown_stores(source: Source, environment: Written) -> Iterator[Finding]:
    """A service that says that it uses what is not there would not be stopped for its restore."""
    for _, node in environment.entries("services"):
        for store in stores(Written(node)):
            if environment.part("data").node(store.value) is None:
                message = f"this environment has no {quoted(store.value)} below 'data'"
                yield _at(source, store, message, "say there where it is, or remove it here")


def _twice(source: Source, what: str, names: Iterable[Text]) -> Iterator[Finding]:
    seen: set[str] = set()
    for name in names:
        if name.value in seen:
            yield _at(source, name, f"the {what} {quoted(name.value)} is listed twice", "remove one of them")
        seen.add(name.value)


def _too_long(source: Source, part: Written) -> Iterator[Finding]:
    limit = part.scalar("timeout")
    if limit is not None and seconds(limit.value) > seconds(_LONGEST):
        yield _at(source, limit, f"'timeout' is at most {_LONGEST}")


def _at(source: Source, node: Text, message: str, hint: str = "") -> Finding:
    return source.finding(node.line, node.column, message, hint)
