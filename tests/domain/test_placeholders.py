"""Which secrets the checks of an environment need."""

from __future__ import annotations

from reconciler.domain.check import Check, Database, Flow, Http, Query, Request, SearchIndex, Tcp
from reconciler.domain.data import CouchDb, Data, Index, MeiliSearch, Restarted
from reconciler.domain.placeholders import named_in, secrets_named, secrets_of_data

LOGIN = Request(
    "http://localhost/login",
    "POST",
    json='{"email": "${EMAIL}", "password": "${PASSWORD}"}',
    capture=(("token", "access_token"),),
)
READ = Request("http://localhost/${TENANT}/customers", headers=(("Authorization", "Bearer ${token}"),))


def named(*checks: Check) -> dict[str, tuple[str, ...]]:
    return secrets_named(checks)


def test_every_place_of_a_request_may_name_one() -> None:
    headers, form = (("X-${HEADER}", "${VALUE}"),), (("${KEY}", "${FIELD}"),)
    request = Request("http://${HOST}/", headers=headers, body="${BODY}", form=form)
    found = named(Check("web", Http(request)))
    assert set(found["web"]) == {"HOST", "HEADER", "VALUE", "BODY", "KEY", "FIELD"}


def test_what_a_flow_captures_is_no_secret_from_then_on() -> None:
    assert named(Check("sign-in", Flow((LOGIN, READ)))) == {"sign-in": ("EMAIL", "PASSWORD", "TENANT")}


def test_what_it_captures_later_is_one_before() -> None:
    assert named(Check("sign-in", Flow((READ, LOGIN))))["sign-in"][:2] == ("TENANT", "token")


def test_a_query_has_an_address_and_headers() -> None:
    question = Query("http://${PROMETHEUS}/", "up", ">=", 1.0, headers=(("Authorization", "${TOKEN}"),))
    assert named(Check("up", question)) == {"up": ("PROMETHEUS", "TOKEN")}


def test_each_name_once_and_checks_without_any_are_left_out() -> None:
    twice = Request("http://${HOST}/${HOST}")
    assert named(Check("web", Http(twice)), Check("port", Tcp("localhost", 5432))) == {"web": ("HOST",)}


def test_stores_have_logins() -> None:
    database = Check("database", Database("http://h", "a", 0, "${COUCHDB_USER}", "${COUCHDB_PASSWORD}"))
    index = Check("search", SearchIndex("http://h", "a", 0, "${MEILI_KEY}"))
    assert named(database, index) == {
        "database": ("COUCHDB_USER", "COUCHDB_PASSWORD"),
        "search": ("MEILI_KEY",),
    }


def test_so_have_the_servers_of_an_environments_data() -> None:
    couchdb = CouchDb("http://h", ("a",), "${U}", "${P}")
    search = MeiliSearch("http://h", (Index("a"),), Restarted("web"), "${K}")
    assert secrets_of_data(Data(couchdb, search)) == ("U", "P", "K")
    assert secrets_of_data(Data()) == ()
    assert named_in("${A}${B}${A}") == ("A", "B")
