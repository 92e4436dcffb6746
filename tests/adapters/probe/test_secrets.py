"""Where `${NAME}` comes from, and that it never shows again."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from reconciler.adapters.probe import OutsideProbe
from reconciler.adapters.probe.secrets import Secrets
from reconciler.domain.check import Asked, Expectation, Flow, Http, Query, Request, Tcp
from reconciler.domain.gate import Evidence
from tests.adapters.probe.server import Handler, Odd, listening

Server = tuple[type[Odd], str]
VALUES = ["s3cret/with?odd&characters", "plain-secret", "ünïcode-secret", "line\nbreak", 'quo"ted\\back']


def http(url: str, **request: object) -> Http:
    return Http(Request(url, **request))  # type: ignore[arg-type]  # any of a request's fields


def test_values_come_from_the_environment_or_a_file(server: Server, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    environ = {
        "ONE": "from-environment",
        "TWO_FILE": str(tmp_path / "token"),
        "PORT": server[1].split(":")[1],
    }
    url = "http://127.0.0.1:${PORT}/${ONE}/${TWO}"
    assert OutsideProbe(environ).ask(http(url), 5).evidence is Evidence.GOOD
    assert server[0].asked[0][1] == "/from-environment/from-file"


def test_values_in_headers_bodies_and_logins(server: Server) -> None:
    environ = {"USER": "ada", "PW": 'p:@/?#"1'}
    probe, url = OutsideProbe(environ), f"http://{server[1]}/"
    probe.ask(http(url, method="POST", json='{"a": ["${PW}"]}'), 5)
    probe.ask(http(url, method="POST", form=(("a", "${PW}"),)), 5)
    probe.ask(http(url, method="POST", body="<${PW}>", headers=(("X-Key", "${PW}"),)), 5)
    probe.ask(http(f"http://${{USER}}:${{PW}}@{server[1]}/"), 5)
    as_json, form, text, login = server[0].asked
    assert json.loads(as_json[3]) == {"a": [environ["PW"]]}
    assert form[3].decode() == f"a={quote_plus(environ['PW'])}"
    assert (text[3].decode(), text[2]["X-Key"]) == (f"<{environ['PW']}>", environ["PW"])
    assert base64.b64decode(login[2]["Authorization"].split()[1]).decode() == f"ada:{environ['PW']}"


@pytest.mark.parametrize(
    "environ", [{}, {"TOKEN": ""}, {"TOKEN_FILE": "/nowhere"}, {"TOKEN_FILE": ""}, {"TOKEN_FILE": "/"}]
)
@pytest.mark.parametrize(
    "question",
    [
        http("http://127.0.0.1/${TOKEN}"),
        http("http://ada:${TOKEN}@127.0.0.1/"),
        http("http://127.0.0.1/", headers=(("A", "${TOKEN}"),)),
        http("http://127.0.0.1/", body="${TOKEN}"),
        http("http://127.0.0.1/", json='["${TOKEN}"]'),
        http("http://127.0.0.1/", form=(("a", "${TOKEN}"),)),
        Query("http://127.0.0.1/", "up", ">", 0, (("A", "${TOKEN}"),)),
        Tcp("${TOKEN}", 80),
    ],
)
def test_a_value_that_is_missing_is_no_evidence(environ: dict[str, str], question: Asked) -> None:
    """Empty counts as missing: that is what CI systems make of a secret that is not set."""
    seen = OutsideProbe(environ).ask(question, 5)
    assert (seen.evidence, seen.detail) == (Evidence.NONE, "TOKEN is not set, and no TOKEN_FILE can be read")


@pytest.mark.parametrize(
    "url",
    [
        "http://{address}/to/${{TOKEN}}",
        "http://{address}/status/500?key=${{TOKEN}}",
        "http://${{TOKEN}}/",
        "https://${{TOKEN}}/",
        "http://{address}:${{TOKEN}}/",
        "http://${{TOKEN}}@{address}/silent",
        "http://ada:${{TOKEN}}@{address}/silent",
        "${{TOKEN}}",
    ],
)
@pytest.mark.parametrize("secret", VALUES)
def test_a_value_in_a_url_never_shows(server: Server, url: str, secret: str) -> None:
    seen = OutsideProbe({"TOKEN": secret}).ask(http(url.format(address=server[1])), 0.3)
    assert seen.evidence is not Evidence.GOOD
    assert_hidden(secret, seen.detail)


def forms(secret: str) -> tuple[str, ...]:
    raw = secret.encode()
    return (
        secret,
        quote(secret),
        quote(secret, safe="").lower(),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        base64.b64encode(raw).decode().rstrip("="),
        raw.decode("latin-1"),
    )


def assert_hidden(secret: str, detail: str) -> None:
    for form in forms(secret):
        assert form.casefold() not in detail.casefold()


@pytest.mark.parametrize("secret", [*VALUES, "space and/slash", 'ü"ü\\'])
def test_every_form_of_a_value_is_hidden(secret: str) -> None:
    secrets = Secrets({"TOKEN": secret})
    secrets.fill("${TOKEN}")
    for form in forms(secret):
        assert secrets.hidden_in(f"<{form}>") == secrets.shown(f"<{form}>") == "<${TOKEN}>"


def test_a_value_that_got_into_our_own_words_is_hidden_too(server: Server) -> None:
    question = http(f"http://{server[1]}/${{TOKEN}}", expect=Expectation(json=(("hidden", ""),)))
    seen = OutsideProbe({"TOKEN": "body is not JSON"}).ask(question, 5)
    assert seen.detail == "200, but its ${TOKEN}"


class Mirror(Handler):
    """Gives back all that it was sent, in every way that a detail may show something of."""

    def respond(self) -> None:
        body = self.content().decode("latin-1")
        sent = [self.path, *self.headers.values(), body, base64.b64encode(body.encode("latin-1")).decode()]
        echo = json.dumps({"echo": " ".join(sent), "token": "captured/token+value=="})
        path = self.path.partition("?")[0]
        status = {"/500": 500, "/302": 302}.get(path, 200)
        seen = " ".join(part.replace("\n", " ").replace("\r", " ") for part in sent)
        self.answer(status, echo.encode(), ("X-Echo", seen), ("Location", f"http://other.test{self.path}"))


@pytest.mark.parametrize("path", ["/", "/500", "/302"])
@pytest.mark.parametrize(
    "expect",
    [
        Expectation(headers=(("X-Echo", "^nothing$"),)),
        Expectation(body="^nothing$"),
        Expectation(json=(("echo", "1"),)),
        Expectation(json=(("nothing", ""),)),
        Expectation(statuses=((100, 101),)),
    ],
)
@pytest.mark.parametrize("secret", [value for value in VALUES if "\n" not in value])
def test_no_canary_gets_into_a_detail(path: str, expect: Expectation, secret: str) -> None:
    """One value each in URL, query, header, JSON and form, and a captured one: all come back to us."""
    environ = {
        f"CANARY_{at}": f"{at}-{secret}" for at in ("path", "query", "header", "json", "form", "login")
    }
    headers = (("X-Key", "${CANARY_header}"), ("X-Got", "${got}"))
    with listening(Mirror) as address:
        url = f"http://ada:${{CANARY_login}}@{address}{path}?q=${{CANARY_query}}&p=${{CANARY_path}}"
        steps = (
            Request(f"http://{address}/", "POST", json='["${CANARY_json}"]', capture=(("got", "token"),)),
            Request(url, "POST", headers=headers, form=(("a", "${CANARY_form}"),), expect=expect),
        )
        seen = OutsideProbe(environ).ask(Flow(steps), 5)
    assert seen.evidence is Evidence.BAD
    for value in (*environ.values(), "captured/token+value=="):
        assert_hidden(value, seen.detail)
        assert value[:16] not in seen.detail, "half a secret is one too"


def test_what_is_hidden_and_what_is_shown() -> None:
    secrets = Secrets({"A": "abcdef", "B": "abcdefghi"})
    secrets.fill("${A} ${B}")
    secrets.capture("id", "7")
    assert secrets.hidden_in("401 for 7: ABCDEFGHI, abcdef") == "401 for 7: ${B}, ${A}"
    assert secrets.shown("customer 7\n\x1b[31m") == "customer ${id} ?[31m"
    assert secrets.shown("x" * 100) == "x" * 79 + "…"
