"""Flows, against a small stand-in for Kompass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.adapters.probe import OutsideProbe
from reconciler.domain.check import Expectation, Flow, Request
from reconciler.domain.comparison import Seen
from reconciler.domain.gate import Evidence
from tests.adapters.probe.kompass import EMAIL, PASSWORD, TOKEN, kompass
from tests.adapters.probe.server import Odd, listening

ENVIRON = {"PROBE_EMAIL": EMAIL, "PROBE_PASSWORD": PASSWORD}
MISSING = "is not set, and no PROBE_PASSWORD_FILE can be read"
BEARER = (("Authorization", "Bearer ${token}"),)
CREDENTIALS = (("email", "${PROBE_EMAIL}"), ("password", "${PROBE_PASSWORD}"))


def sign_in(*capture: tuple[str, str]) -> Request:
    body = '{"email": "${PROBE_EMAIL}", "password": "${PROBE_PASSWORD}"}'
    return Request("/api/v1/auth/login", "POST", json=body, capture=capture or (("token", "access_token"),))


def customers(path: str = "/api/v1/customers", *capture: tuple[str, str]) -> Request:
    return Request(path, headers=BEARER, capture=capture)


def ask(*steps: Request, broken: str = "", environ: dict[str, str] | None = None, redirects: int = 0) -> Seen:
    with listening(kompass(broken)) as address:
        flow = Flow(tuple(replace(step, url=f"http://{address}{step.url}") for step in steps), redirects)
        return OutsideProbe(ENVIRON if environ is None else environ).ask(flow, 5)


def test_signing_in_and_asking_with_the_token() -> None:
    seen = ask(sign_in(), customers())
    assert (seen.evidence, seen.detail, seen.status) == (Evidence.GOOD, "2 steps, the last one: 200 OK", 200)
    assert seen.seconds > 0


def test_a_value_of_a_list_or_a_header_is_captured_too() -> None:
    steps = (sign_in(), customers("/api/v1/customers", ("id", "[0].id"), ("same", "header:x-id")))
    assert ask(*steps, customers("/api/v1/customers/${id}")).evidence is Evidence.GOOD
    assert ask(*steps, customers("/api/v1/customers/${same}")).evidence is Evidence.GOOD


def test_signing_in_with_a_form_and_a_cookie() -> None:
    form = Request("/login", "POST", form=CREDENTIALS)
    assert ask(form, Request("/api/v1/customers"), redirects=1).evidence is Evidence.GOOD
    found = Expectation(statuses=((302, 302),))
    seen = ask(replace(form, expect=found, capture=(("c", "cookie:session"),)), Request("/home"))
    assert seen.evidence is Evidence.GOOD
    seen = ask(replace(form, expect=found, capture=(("c", "cookie:nothing"),)))
    assert (seen.evidence, seen.detail) == (
        Evidence.BAD,
        "step 1 of 1, POST /login: 302, but without cookie:nothing",
    )


@pytest.mark.parametrize(
    ("broken", "environ", "evidence", "words"),
    [
        (
            "customers",
            ENVIRON,
            Evidence.BAD,
            "step 2 of 2, GET /api/v1/customers: 500 Internal Server Error",
        ),
        (
            "token",
            ENVIRON,
            Evidence.BAD,
            "step 1 of 2, POST /api/v1/auth/login: 200, but without access_token",
        ),
        (
            "",
            {**ENVIRON, "PROBE_PASSWORD": "wrong"},
            Evidence.BAD,
            "step 1 of 2, POST /api/v1/auth/login: 401 Unauthorized",
        ),
        (
            "",
            {"PROBE_EMAIL": EMAIL},
            Evidence.NONE,
            f"step 1 of 2, POST /api/v1/auth/login: PROBE_PASSWORD {MISSING}",
        ),
    ],
)
def test_the_step_that_is_not_good_is_named(
    broken: str, environ: dict[str, str], evidence: Evidence, words: str
) -> None:
    seen = ask(sign_in(), customers(), broken=broken, environ=environ)
    assert (seen.evidence, seen.detail) == (evidence, words)


def test_the_first_bad_step_ends_it() -> None:
    seen = ask(customers("/api/v1/customers"), sign_in(), environ={**ENVIRON, "token": "old"})
    assert seen.detail == "step 1 of 2, GET /api/v1/customers: 401 Unauthorized"


def test_the_limit_is_for_all_steps(server: tuple[type[Odd], str]) -> None:
    url = f"http://{server[1]}"
    flow = Flow((Request(f"{url}/"), Request(f"{url}/silent"), Request(f"{url}/")))
    seen = OutsideProbe({}).ask(flow, 0.3)
    assert (seen.evidence, seen.detail) == (
        Evidence.UNREADY,
        "step 2 of 3, GET /silent: no whole answer within 0.3 s",
    )
    assert (len(server[0].asked), seen.seconds) == (2, 0)


def test_a_captured_value_never_shows() -> None:
    """Neither when the last step echoes it, nor as a part: the answer is cut at 80 characters."""
    expect = Expectation(json=(("error", '"none"'),), statuses=((500, 500),))
    step = replace(customers(), expect=expect)
    seen = ask(sign_in(), step, broken="echo")
    assert seen.evidence is Evidence.BAD
    assert "no customers for Bearer ${token} of ${PROBE_PASSWORD}" in seen.detail
    for part in (TOKEN, TOKEN[:12], PASSWORD, EMAIL):
        assert part not in seen.detail


def test_what_one_flow_captured_another_does_not_know() -> None:
    with listening(kompass()) as address:
        probe = OutsideProbe(ENVIRON)
        first = replace(sign_in(), url=f"http://{address}/api/v1/auth/login")
        second = replace(customers(), url=f"http://{address}/api/v1/customers")
        assert probe.ask(Flow((first, second)), 5).evidence is Evidence.GOOD
        assert probe.ask(Flow((second,)), 5).evidence is Evidence.NONE
