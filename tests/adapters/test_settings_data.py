"""Data and hooks in reconcile.yaml, and every way to get them wrong."""

from __future__ import annotations

import pytest

from reconciler.adapters.state_files import YamlStateFiles
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
    Restarted,
    RestorePolicy,
    Uses,
)
from reconciler.errors import Finding, InvalidSettings

LEAST = "version: 1\nenvironments:\n  a:\n    project: p\n    compose: [c.yml]\n"
COUCHDB = "couchdb: {url: 'http://h:1', databases: [k]"
MEILI = "search: {meilisearch: {url: 'http://h:1', indexes: [c], rebuild: {restart: b}"


def read(added: str) -> Data:
    lines = "".join(f"    {line}\n" for line in added.strip("\n").split("\n"))
    (environment,) = YamlStateFiles().settings(LEAST + lines, "reconcile.yaml")
    return environment.data


def findings(added: str) -> tuple[Finding, ...]:
    with pytest.raises(InvalidSettings) as raised:
        read(added)
    return raised.value.findings


def test_everything_that_can_be_written() -> None:
    found = read(
        """
services:
  backend: {uses: [couchdb, search], data: needs-restore}
  worker: {uses: couchdb}
  frontend: {data: irreversible}
data:
  restore: auto
  couchdb:
    url: "http://localhost:5984/"
    username: "${COUCHDB_USER}"
    password: "${COUCHDB_PASSWORD}"
    replication_url: "http://127.0.0.1:5984"
    databases: [kompass, "kompass/$archive"]
    backup: off
    keep: 3
    timeout: 30s
  search:
    meilisearch:
      url: "https://[::1]:7700/search"
      key: "${MEILI_MASTER_KEY}"
      indexes: {customers: {documents: 100}, orders: {}}
      rebuild: {service: backend, command: [node, reindex.js]}
      timeout: 1h
hooks:
  before-release: [{run: [pg_dump, -Fc, kompass], service: postgres, timeout: 10m, failure: note}, {run: [a]}]
  after-release: [{run: [b]}]
  before-restore: [{run: [c], service: postgres}]
  after-rollback: [{run: [d], failure: note}]
"""
    )
    assert found == Data(
        couchdb=CouchDb(
            url="http://localhost:5984",
            databases=("kompass", "kompass/$archive"),
            username="${COUCHDB_USER}",
            password="${COUCHDB_PASSWORD}",
            replication_url="http://127.0.0.1:5984",
            backup=BackupPolicy.OFF,
            keep=3,
            time_limit_seconds=30.0,
        ),
        search=MeiliSearch(
            url="https://[::1]:7700/search",
            indexes=(Index("customers", 100), Index("orders", 1)),
            rebuild=Commanded("backend", ("node", "reindex.js")),
            key="${MEILI_MASTER_KEY}",
            timeout_seconds=3600.0,
        ),
        restore=RestorePolicy.AUTO,
        uses=(
            Uses("backend", ("couchdb", "search"), Contract.NEEDS_RESTORE),
            Uses("worker", ("couchdb",)),
            Uses("frontend", (), Contract.IRREVERSIBLE),
        ),
        hooks=(
            Hook(
                Moment.BEFORE_RELEASE,
                ("pg_dump", "-Fc", "kompass"),
                "postgres",
                time_limit_seconds=600.0,
                failure=HookFailure.NOTE,
            ),
            Hook(Moment.BEFORE_RELEASE, ("a",)),
            Hook(Moment.AFTER_RELEASE, ("b",), failure=HookFailure.NOTE),
            Hook(Moment.BEFORE_RESTORE, ("c",), "postgres"),
            Hook(Moment.AFTER_ROLLBACK, ("d",), failure=HookFailure.NOTE),
        ),
    )
    assert found.writers("couchdb") == ("backend", "worker")


def test_the_least_that_can_be_written() -> None:
    assert read("data: {}") == Data() == read("services: {}\nhooks: {}")
    least = read(f"data:\n  {COUCHDB}}}\n  {MEILI}}}}}")
    assert least.couchdb == CouchDb("http://h:1", ("k",))
    assert least.search == MeiliSearch("http://h:1", (Index("c"),), Restarted("b"))
    assert least.couchdb.backup is BackupPolicy.BEFORE_RELEASE


def test_the_worked_example_is_read_as_it_is_written() -> None:
    found = read(
        """
data:
  couchdb: {url: "http://localhost:5984", databases: [kompass], backup: before-release, keep: 7}
  search:  {meilisearch: {url: "http://localhost:7700", indexes: [customers], rebuild: {restart: backend}}}
"""
    )
    assert found.couchdb == CouchDb("http://localhost:5984", ("kompass",))
    assert found.search == MeiliSearch("http://localhost:7700", (Index("customers"),), Restarted("backend"))


@pytest.mark.parametrize(
    ("added", "line", "message", "hint"),
    [
        ("data:", "6:5", "'environments.a.data' is empty: a mapping of keys and values", ""),
        ("data: {couchdb: {url: 'http://h:1'}}", "6:12", "couchdb' has no 'databases'", "kompass"),
        ("data: {couchbd: {}}", "6:12", "'couchbd' is not a key of", "did you mean 'couchdb'?"),
        ("data: {restore: always}", "6:21", "'always' is none of ask, auto", ""),
        (f"data: {{{COUCHDB}, backup: daily}}}}", "6:65", "'daily' is none of before-release, off", ""),
        (f"data: {{{COUCHDB}, keep: 0}}}}", "6:63", "keep' must be at least 1", ""),
        (f"data: {{{COUCHDB}, timeout: 25h}}}}", "6:66", "'timeout' is at most 24h", ""),
        (f"data: {{{COUCHDB}, timeout: 60}}}}", "6:66", "60 is read as a number", "write 60s"),
        (
            f"data: {{{COUCHDB}, username: '${{U}}'}}}}",
            "6:21",
            "a user name and a password belong together",
            "",
        ),
        (
            f"data: {{{COUCHDB}, password: '${{P}}'}}}}",
            "6:21",
            "a user name and a password belong together",
            "",
        ),
        ("data: {couchdb: {url: 'h:1', databases: [k]}}", "6:27", "an address is http://host:port", ""),
        ("data: {couchdb: {url: 'http://${H}', databases: [k]}}", "6:27", "without variables", ""),
        ("data: {couchdb: {url: 'http://h/?a=b', databases: [k]}}", "6:27", "without a query", ""),
        (
            "data: {couchdb: {url: 'http://h', databases: [k, l, k]}}",
            "6:57",
            "the database 'k' is listed twice",
            "remove",
        ),
        ("data: {couchdb: {url: 'http://h', databases: []}}", "6:50", "databases' is empty", "kompass"),
        *(
            (
                f"data: {{couchdb: {{url: 'http://h', databases: ['{name}']}}}}",
                "6:51",
                "CouchDB allows lower-case letters",
                "",
            )
            for name in ("Kompass", "1k", "_users", "k k", "k.l", "../k", "k\u00e4")
        ),
        (
            "data: {couchdb: {url: 'http://h', databases: [k_backup_20260101-120000]}}",
            "6:51",
            "this is the name of a backup",
            "",
        ),
        (
            f"data: {{couchdb: {{url: 'http://h', databases: [{'k' * 216}]}}}}",
            "6:51",
            "has more than 215 characters",
            "",
        ),
        ("data: {search: {}}", "6:12", "search' has no 'meilisearch'", ""),
        (
            f"data: {{{MEILI[:-1]}, command: [x]}}}}}}}}",
            "6:77",
            "an index is rebuilt by {restart: SERVICE}",
            "",
        ),
        (
            "data: {search: {meilisearch: {url: 'http://h', indexes: [c], rebuild: {command: [x]}}}}",
            "6:75",
            "an index is rebuilt by {restart: SERVICE} or by {service: SERVICE, command: [...]}",
            "",
        ),
        (
            "data: {search: {meilisearch: {url: 'http://h', indexes: [c, c], rebuild: {restart: b}}}}",
            "6:65",
            "the index 'c' is listed twice",
            "",
        ),
        (
            "data: {search: {meilisearch: {url: 'http://h', indexes: [a/b], rebuild: {restart: b}}}}",
            "6:62",
            "MeiliSearch allows letters, digits, _ and -",
            "",
        ),
        (
            "data: {search: {meilisearch: {url: 'http://h', indexes: {c: {documents: -1}}, rebuild: {}}}}",
            "6:77",
            "must be at least 0",
            "",
        ),
        ("services: {b: {uses: [couchbd]}}", "6:27", "'couchbd' is none of couchdb, search", "'couchdb'"),
        ("services: {b: {uses: postgres}}", "6:26", "'postgres' is none of couchdb, search", ""),
        (
            "services: {b: {uses: [couchdb]}}",
            "6:27",
            "this environment has no 'couchdb' below 'data'",
            "say there where it is",
        ),
        ("services: {b: {data: reversible}}", "6:26", "'reversible' is none of compatible", "irreversible"),
        ("services: {'b c': {}}", "6:16", "a service is named as in the Compose files", ""),
        ("services: {b: {image: x}}", "6:20", "'image' is not a key of", ""),
        ("hooks: {before-relaese: []}", "6:13", "'before-relaese' is not a key of", "'before-release'"),
        ("hooks: {before-release: [{service: b}]}", "6:30", "has no 'run'", ""),
        ("hooks: {before-release: [{run: pg_dump}]}", "6:36", "'pg_dump' is not a list", "pg_dump"),
        ("hooks: {before-release: [{run: [a], failure: ignore}]}", "6:50", "none of stop, note", ""),
        (
            "hooks: {after-release: [{run: [a], failure: stop}]}",
            "6:49",
            "what runs afterwards cannot stop anything any more: its failure is a note",
            "",
        ),
        ("hooks: {after-rollback: [{run: [a], failure: stop}]}", "6:50", "its failure is a note", ""),
        ("hooks: {before-restore: [{run: [a], timeout: 25h}]}", "6:50", "'timeout' is at most 24h", ""),
    ],
)
def test_what_is_refused_is_located_and_says_what_to_write(
    added: str, line: str, message: str, hint: str
) -> None:
    found = findings(added)
    assert any(
        f"{one.line}:{one.column}" == line and message in one.message and hint in one.hint for one in found
    ), found


@pytest.mark.parametrize(
    ("added", "line"),
    [
        (f"data: {{{COUCHDB}, username: '${{U}}', password: hunter2}}}}", "6:85"),
        (f"data: {{{COUCHDB}, username: hunter2, password: '${{P}}'}}}}", "6:67"),
        (f"data: {{{COUCHDB}, username: '${{U}}', password: 'hunter2${{P}}'}}}}", "6:85"),
        ("data: {couchdb: {url: 'http://admin:hunter2@h:1', databases: [k]}}", "6:27"),
        ("data: {couchdb: {url: 'http://hunter2@h:1', databases: [k]}}", "6:27"),
        ("data: {couchdb: {url: 'http://admin:hunter2/x@h:1', databases: [k]}}", "6:27"),
        (f"data: {{{COUCHDB}, replication_url: 'http://admin:hunter2@h'}}}}", "6:74"),
        (f"data: {{{MEILI}, key: hunter2}}}}}}", "6:96"),
        ("hooks: {before-release: [{run: [pg_dump, 'postgres://admin:hunter2@h/k']}]}", "6:46"),
        ("hooks: {before-release: [{run: [mysqldump, --password=hunter2]}]}", "6:48"),
        ("hooks: {before-release: [{run: [env, PGPASSWORD=hunter2, pg_dump]}]}", "6:42"),
    ],
)
def test_a_literal_credential_is_refused_and_not_shown(added: str, line: str) -> None:
    found = findings(added)
    assert [f"{one.line}:{one.column}" for one in found] == [line]
    assert "hunter2" not in f"{found}"
    assert "does not belong into" in found[0].message


def test_a_credential_that_is_read_as_a_number_is_not_shown_either() -> None:
    (found,) = findings(f"data: {{{COUCHDB}, username: '${{U}}', password: 4711}}}}")
    assert "4711" not in f"{found}"


def test_another_finding_on_the_line_of_a_key_does_not_show_it() -> None:
    found = findings(f"data: {{{MEILI}, key: hunter2, timeuot: 1m}}}}}}")
    assert len(found) == 2
    assert "hunter2" not in f"{found}"


@pytest.mark.parametrize(
    "fine",
    [
        "[sh, -c, 'PGPASSWORD=$POSTGRES_PASSWORD exec pg_dump -U postgres']",
        "[pg_dump, '--password-file=/run/secrets/x', '--dbname=postgres://postgres@h/k']",
    ],
)
def test_a_command_may_read_its_secret_itself(fine: str) -> None:
    assert read(f"hooks: {{before-release: [{{run: {fine}}}]}}").hooks
