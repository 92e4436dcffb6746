"""Where an environment keeps its data, as ``reconcile.yaml`` writes it: ``services``, ``data``, ``hooks``."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.adapters.state_files.nodes import Items, Mapping, Text
from reconciler.adapters.state_files.written import Written
from reconciler.domain.data import (
    BackupPolicy,
    Commanded,
    Contract,
    CouchDb,
    Data,
    Hook,
    HookFailure,
    Index,
    MeiliSearch,
    Moment,
    Rebuild,
    Restarted,
    RestorePolicy,
    Uses,
)

AFTERWARDS = (Moment.AFTER_RELEASE, Moment.AFTER_ROLLBACK)
"""Moments at which there is nothing left to stop."""


def data(environment: Written) -> Data:
    """All the data of an environment; what is not written has the domain's defaults."""
    written, usual = environment.part("data"), Data()
    search = written.part("search")
    return Data(
        couchdb=_couchdb(written.part("couchdb")) if written.node("couchdb") is not None else None,
        search=_meilisearch(search.part("meilisearch")) if written.node("search") is not None else None,
        restore=RestorePolicy(written.text("restore", usual.restore)),
        uses=tuple(_uses(name.value, Written(node)) for name, node in environment.entries("services")),
        hooks=tuple(_hook(moment, Written(node)) for moment, node in hooks(environment)),
    )


def hooks(environment: Written) -> Iterator[tuple[Moment, Mapping]]:
    """The hooks as they are written, with their moments."""
    for moment in Moment:
        found = environment.part("hooks").node(moment)
        for item in found.items if isinstance(found, Items) else ():
            if isinstance(item, Mapping):
                yield moment, item


def stores(uses: Written) -> tuple[Text, ...]:
    """The stores of one service: a list, or a single one."""
    single = uses.scalar("uses")
    return (single,) if single is not None else uses.items("uses")


def indexes(meilisearch: Written) -> tuple[tuple[Text, Written], ...]:
    """The indexes as they are written: a list of names, or a mapping of what is known of each."""
    listed = meilisearch.items("indexes")
    if listed:
        return tuple((name, Written(None)) for name in listed)
    return tuple((name, Written(node)) for name, node in meilisearch.entries("indexes"))


def _couchdb(written: Written) -> CouchDb:
    usual = CouchDb("", ())
    return CouchDb(
        url=_address(written, "url"),
        databases=tuple(name.value for name in written.items("databases")),
        username=written.text("username"),
        password=written.text("password"),
        replication_url=_address(written, "replication_url"),
        backup=BackupPolicy(written.text("backup", usual.backup)),
        keep=written.whole("keep", usual.keep),
        time_limit_seconds=written.seconds("timeout", usual.time_limit_seconds),
    )


def _meilisearch(written: Written) -> MeiliSearch:
    rebuild = _rebuild(written.part("rebuild"))
    usual = MeiliSearch("", (), rebuild)
    return MeiliSearch(
        url=_address(written, "url"),
        indexes=tuple(
            Index(name.value, known.whole("documents", Index("").documents))
            for name, known in indexes(written)
        ),
        rebuild=rebuild,
        key=written.text("key"),
        timeout_seconds=written.seconds("timeout", usual.timeout_seconds),
    )


def _address(written: Written, key: str) -> str:
    """Paths are put behind it, so that a slash at the end would be one too many."""
    return written.text(key).rstrip("/")


def _rebuild(written: Written) -> Rebuild:
    if written.node("restart") is not None:
        return Restarted(written.text("restart"))
    return Commanded(written.text("service"), _words(written, "command"))


def _uses(service: str, written: Written) -> Uses:
    contract = written.text("data")
    named = tuple(dict.fromkeys(store.value for store in stores(written)))
    return Uses(service, named, Contract(contract) if contract else None)


def _hook(moment: Moment, written: Written) -> Hook:
    usual = Hook(moment, ())
    failure = HookFailure.NOTE if moment in AFTERWARDS else usual.failure
    return Hook(
        moment=moment,
        command=_words(written, "run"),
        service=written.text("service"),
        time_limit_seconds=written.seconds("timeout", usual.time_limit_seconds),
        failure=HookFailure(written.text("failure", failure)),
    )


def _words(written: Written, key: str) -> tuple[str, ...]:
    return tuple(word.value for word in written.items(key))
