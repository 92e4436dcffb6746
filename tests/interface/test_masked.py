"""Which secrets a CI job is told to hide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reconciler.domain.channels import Channel, Notify, Slack, Webhook
from reconciler.domain.check import (
    Check,
    Database,
    Exec,
    Flow,
    Http,
    Query,
    Question,
    Request,
    SearchIndex,
    Tcp,
)
from reconciler.domain.data import CouchDb, Data, Index, MeiliSearch, Restarted
from reconciler.domain.environment import Environment
from reconciler.interface.cli.masked import secrets_of
from tests.interface import values as v


def _environment(*questions: Question) -> Environment:
    checks = tuple(Check(f"c{at}", question) for at, question in enumerate(questions))
    environment = v.environment()
    return replace(environment, gate=replace(environment.gate, checks=checks))


def test_every_place_where_a_name_may_stand_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    environment = _environment(
        Http(
            Request(
                "http://x/${URL}", headers=(("X", "${HEADER}"),), body="${BODY}", form=(("f", "${FORM}"),)
            )
        ),
        Flow((Request("http://x", json='{"a": "${JSON}"}'), Request("http://x/${token}"))),
        Query("http://x", "up", ">", 0, headers=(("Authorization", "Bearer ${QUERY}"),)),
        Database("http://x", "a", 0, "${USER}", "${PASSWORD}"),
        SearchIndex("http://x", "a", 0, "${KEY}"),
        Tcp("x", 1),
        Exec("web", ("true",)),
    )
    names = ("URL", "HEADER", "BODY", "FORM", "JSON", "QUERY", "USER", "PASSWORD", "KEY")
    environ = {name: f"s3cr3t-{name}" for name in names} | {"UNUSED": "no secret"}
    assert set(secrets_of([environment], environ)) == {f"s3cr3t-{name}" for name in names}
    assert secrets_of([environment], {"URL_FILE": str(file), "BODY_FILE": "/no/such"}) == ("from a file",)
    assert secrets_of([environment], {}) == ()


def test_so_are_the_servers_of_an_environments_data() -> None:
    couchdb = CouchDb("http://h", ("a",), "${U}", "${P}")
    data = Data(couchdb, MeiliSearch("http://h", (Index("a"),), Restarted("web"), "${K}"))
    environment = replace(_environment(), data=data)
    assert secrets_of([environment], {"U": "ada", "P": "s3cr3t", "K": "k3y"}) == ("ada", "s3cr3t", "k3y")


def test_so_are_channels() -> None:
    channels = (Channel("hook", Webhook("${H}", "${S}")), Channel("chat", Slack("${C}")))
    environment = replace(_environment(), notify=Notify(channels))
    assert secrets_of([environment], {"H": "https", "S": "whsec", "C": "slack"}) == (
        "https",
        "whsec",
        "slack",
    )
