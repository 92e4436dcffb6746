"""Variables in reconcile.yaml, and secrets that must not stand there."""

from __future__ import annotations

import pytest

from reconciler.errors import InvalidSettings
from tests.adapters.checks_file import read, refusals

PLACES = {
    "http": "x: {{http: {{url: 'http://h/', {} }}}}",
    "step": "x: {{flow: [{{post: 'http://h/', {} }}]}}",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("wrong", ["${1}", "${A:-b}", "${A", "x${}", "${A B}", "$TOKEN"])
@pytest.mark.parametrize(
    "where", ["headers: {{X-A: '{}'}}", "body: '{}'", "json: {{a: [{{b: '{}'}}]}}", "form: {{a: '{}'}}"]
)
def test_variables_are_written_in_one_way_only(place: str, where: str, wrong: str) -> None:
    (found,) = refusals(place.format(where.format(wrong)))
    assert "a variable is written ${NAME}, with letters, digits and underscores only" in found


@pytest.mark.parametrize(
    ("steps", "refused"),
    [
        (
            "[{get: 'http://h/${id}'}, {get: 'http://h/', capture: {id: a}}]",
            "8:26 'id' is captured in step 2, and this is step 1",
        ),
        (
            "[{post: 'http://h/', json: [{a: '${id}'}], capture: {id: a}}]",
            "8:51 'id' is captured in step 1, and this is step 1",
        ),
        (
            "[{post: 'http://h/', form: {a: '${id}'}, capture: {id: a}}]",
            "8:50 'id' is captured in step 1, and this is step 1",
        ),
        (
            "{steps: [{get: 'http://h/', headers: {A: '${id}'}, capture: {id: a}}]}",
            "8:60 'id' is captured in step 1, and this is step 1",
        ),
    ],
)
def test_what_is_captured_is_there_in_later_steps_only(steps: str, refused: str) -> None:
    assert refusals(f"x: {{flow: {steps}}}") == [refused]


def test_a_value_may_be_captured_again() -> None:
    again = "{get: 'http://h/${id}', capture: {id: b}}"
    read(f"x: {{flow: [{{get: 'http://h/', capture: {{id: a}}}}, {again}]}}")


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwcm9iZSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(
    "literal",
    [
        f"headers: {{Authorization: 'Bearer {JWT}'}}",
        "headers: {authorization: 'Basic cHJvYmU6aHVudGVyMg=='}",
        "headers: {X-Api-Key: hunter2}",
        f"headers: {{X-Whatever: 'v1 {JWT}'}}",
        "json: {email: a@b.example, password: hunter2}",
        "json: {user: [{passwd: 12345}]}",
        "form: {user: a, password: 'hunter2, with } and more'}",
        f"body: 'token={JWT}'",
    ],
)
def test_a_literal_credential_is_refused_and_not_shown(place: str, literal: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        read(place.format(literal))
    (finding,) = raised.value.findings
    assert finding.message == "a secret does not belong into this file"
    assert finding.hint.startswith("write ${NAME}")
    assert finding.excerpt == ""


def test_a_literal_credential_of_a_query_is_refused_too() -> None:
    query = "x: {query: {url: 'http://p', query: up, below: 1, headers: {Authorization: 'Bearer hunter2'}}}"
    assert refusals(query) == ["8:69 a secret does not belong into this file"]


@pytest.mark.parametrize(
    "fine",
    [
        "headers: {Authorization: 'Bearer ${TOKEN}'}",
        "headers: {Authorization: 'Basic ${USER}:${PASSWORD}'}",
        "headers: {Authorization: 'Bearer not-a-token'}, status: 401",
        "json: {email: a, password: wrong}, status: [401, 403]",
        "json: {password: null}",
        "json: {password: ''}",
        "json: {password_reset: true, token: csrf}",
        "headers: {Accept: 'application/vnd.kompass.customers+json; version=2'}",
    ],
)
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_what_is_no_credential(place: str, fine: str) -> None:
    read(place.format(fine))


@pytest.mark.parametrize(
    "line",
    [
        "headers: {Authorization: 'Bearer hunter2'}",
        "headers: {Authorization: Token hunter2}",
        'json: {"password": "very hunter2, really"}',
        "json: {password: hunter2}",
        "headers: {X: 'Basic hunter2='}",
    ],
)
def test_another_finding_on_the_same_line_does_not_show_it(line: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        read(f"x: {{http: {{url: 'http://h/', {line}, stauts: 200}}}}")
    (finding,) = raised.value.findings
    assert finding.message.startswith("'stauts' is not a key of")
    assert "stauts: 200" in finding.excerpt or "password" in finding.excerpt
    assert "hunter2" not in finding.excerpt


COUCHDB = "x: {{couchdb: {{url: 'http://h', database: a, username: {}, password: {}}}}}"
MEILISEARCH = "x: {{meilisearch: {{url: 'http://h', index: a, key: {}}}}}"


@pytest.mark.parametrize(
    "literal", ["hunter2", "'hunter2, with } and more'", "'x${P}'", "'${P'", "12345678", "''"]
)
def test_a_literal_login_of_a_store_is_refused_and_not_shown(literal: str) -> None:
    for written in (
        COUCHDB.format("'${U}'", literal),
        COUCHDB.format(literal, "'${P}'"),
        MEILISEARCH.format(literal),
    ):
        with pytest.raises(InvalidSettings) as raised:
            read(written)
        (finding,) = raised.value.findings
        assert "hunter2" not in str(finding) + finding.excerpt + str(raised.value)
        assert "12345678" not in str(finding) + finding.excerpt


@pytest.mark.parametrize("kind", ["couchdb: {database: a, ", "meilisearch: {index: a, "])
def test_a_login_in_the_address_of_a_store_is_refused_and_not_shown(kind: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        read(f"x: {{{kind}url: 'http://ada:hunter2@h'}}}}")
    assert "hunter2" not in "".join(f"{finding}{finding.excerpt}" for finding in raised.value.findings)
