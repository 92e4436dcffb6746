"""Which secrets the checks of an environment need."""

from __future__ import annotations

from reconciler.domain.check import Check, Flow, Http, Query, Request, Tcp
from reconciler.domain.placeholders import secrets_named

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
