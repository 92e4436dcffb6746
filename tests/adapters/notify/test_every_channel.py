"""What holds for every channel that speaks HTTP: how it fails, what is secret, and what is harmless."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from reconciler.adapters.notify import make
from reconciler.domain.channels import GitHub, Linear, Service, Slack, StatusDocument, Statuspage, Webhook
from reconciler.domain.events import Event, Kind
from reconciler.errors import NoticeRefused, NoticeUnreachable, ReconcileError
from tests.adapters.notify.events import LINK, event, hostile
from tests.adapters.notify.test_slack import PATH, slack
from tests.adapters.notify.test_webhook import SECRET
from tests.bed import fake_github, fake_linear, fake_statuspage
from tests.bed.providers import Asked, Provider, Said, Trouble, serving


@dataclass(frozen=True)
class Case:
    """A channel, what it is answered by, and its secret."""

    name: str
    service: Callable[[str], Service]
    answer: Callable[[], Callable[[Asked], Said]]
    secret: Callable[[str], str]
    kind: Kind = Kind.ROLLBACK_FAILED
    body: bool = True  # whether an answer has one


def _github(**chosen: bool) -> Callable[[str], Service]:
    off = {"deployments": False, "issues": False}
    return lambda url: GitHub(fake_github.REPOSITORY, "${SECRET}", api=url, **(off | chosen))


CASES = [
    Case(
        f"github-{what}",
        _github(**{what: True}),
        lambda: fake_github.FakeGitHub().answer,
        lambda _: fake_github.TOKEN,
        body=what != "dispatch",
    )
    for what in ("deployments", "statuses", "issues", "dispatch")
]
CASES += [
    Case(
        "linear",
        lambda url: Linear(fake_linear.TEAM, "${SECRET}", url=f"{url}/graphql"),
        lambda: fake_linear.FakeLinear().answer,
        lambda _: fake_linear.KEY,
    ),
    Case(
        "statuspage",
        lambda url: Statuspage(fake_statuspage.PAGE, "${SECRET}", url=url),
        lambda: fake_statuspage.FakeStatuspage().answer,
        lambda _: fake_statuspage.KEY,
    ),
    Case(
        "status-document",
        lambda url: StatusDocument(url, "${SECRET}"),
        lambda: lambda _: Said(204),
        lambda _: SECRET,
        body=False,
    ),
    Case("slack", lambda _: Slack("${SECRET}"), lambda: slack, lambda url: url + PATH),
    Case(
        "webhook",
        lambda url: Webhook(url, "${SECRET}", allow_private=True),
        lambda: lambda _: Said(204),
        lambda _: SECRET,
        body=False,
    ),
]
channels = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@contextmanager
def provider(case: Case) -> Iterator[Provider]:
    with serving(Provider(case.answer())) as server:
        yield server


def deliver(case: Case, server: Provider, what: Event | None = None, *, seconds: float = 5.0) -> str:
    secrets = {"SECRET": case.secret(server.url)}
    notifier = make(case.service(server.url), secrets, link=LINK, total_seconds=seconds)
    return notifier.deliver(what or event(case.kind), (), again=False)


@channels
def test_a_refusal_is_one_and_has_the_words_of_the_provider(case: Case) -> None:
    words = b'{"message": "for these reasons", "error": "for these reasons"}'
    with provider(case) as server:
        for status in (400, 401, 403, 404, 409, 410, 422):
            said = Said(status, words)
            server.fail(said, times=9)
            with pytest.raises(NoticeRefused, match=f"refuses to .*{status} .*for these reasons"):
                deliver(case, server)
            server.recover()


@channels
def test_what_may_pass_is_tried_again(case: Case) -> None:
    with provider(case) as server:
        for status in (408, 420, 429, 500, 502, 503, 504):
            server.fail(Said(status, b"oh"))
            with pytest.raises(NoticeUnreachable) as error:
                deliver(case, server)
            assert error.value.after_seconds == 0.0
        deliver(case, server)


@channels
def test_how_long_to_wait_is_told_in_seconds_or_as_a_date(case: Case) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(days=2), usegmt=True)
    spans = {"37": (37, 37), date: (100, 120), past: (0, 0), "soon": (0, 0), "99999999999": (86400, 86400)}
    with provider(case) as server:
        for said, (least, most) in spans.items():
            server.fail(Said(429, b"slower", (("Retry-After", said),)))
            with pytest.raises(NoticeUnreachable) as error:
                deliver(case, server)
            assert least <= error.value.after_seconds <= most


@channels
@pytest.mark.parametrize("trouble", [Trouble.CUT_BEFORE, Trouble.CUT])
def test_a_connection_that_is_cut_is_tried_again(case: Case, trouble: Trouble) -> None:
    with provider(case) as server:
        server.fail(trouble)
        with pytest.raises(NoticeUnreachable):
            deliver(case, server)


@pytest.mark.parametrize("case", [case for case in CASES if case.body], ids=lambda case: case.name)
def test_half_an_answer_is_none(case: Case) -> None:
    with provider(case) as server:
        server.fail(Trouble.HALF)
        with pytest.raises(NoticeUnreachable):
            deliver(case, server)


@channels
@pytest.mark.parametrize("trouble", [Trouble.HANG, Trouble.DRIP])
def test_o_01_a_provider_that_hangs_or_drips_holds_us_no_longer_than_the_limit(
    case: Case, trouble: Trouble
) -> None:
    with provider(case) as server:
        server.fail(trouble)
        with pytest.raises(NoticeUnreachable, match=r"within 0\.3 s"):
            deliver(case, server, seconds=0.3)


@channels
def test_o_01_a_provider_that_is_not_there_is_tried_again(case: Case) -> None:
    with provider(case) as server:
        pass
    with pytest.raises(NoticeUnreachable, match="cannot be asked"):
        deliver(case, server)


@channels
def test_an_answer_is_bounded(case: Case) -> None:
    with provider(case) as server:
        server.fail(Said(200, b"x" * (9 * 2**20)))
        with pytest.raises(NoticeUnreachable, match="far too much"):
            deliver(case, server)


@channels
def test_proxies_of_the_environment_are_not_asked(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with provider(case) as server:
        deliver(case, server)
        assert server.asked[0].headers["user-agent"].startswith("reconcile/")


# --- Secrets ---------------------------------------------------------------------------------------------


def forms(case: Case, url: str) -> tuple[str, ...]:
    secret = case.secret(url)
    return (PATH, *PATH.split("/")[2:]) if case.name == "slack" else (secret,)


@channels
@pytest.mark.parametrize(
    "how", [Said(400), Said(401), Said(500), Said(429), Trouble.CUT, Trouble.HANG], ids=str
)
def test_o_04_no_secret_is_in_an_error_a_log_or_a_representation(
    case: Case, how: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with provider(case) as server, caplog.at_level(logging.DEBUG):
        secret = case.secret(server.url)
        if isinstance(how, Said):
            repeated = f'{{"message": "{secret} {secret.upper()}", "error": "{secret}"}} {secret}'
            how = replace(how, body=repeated.encode(), headers=(("X-Accepted-OAuth-Scopes", "x"),))
        server.fail(how, times=9)
        notifier = make(case.service(server.url), {"SECRET": secret}, total_seconds=0.3)
        with pytest.raises(ReconcileError) as error:
            notifier.deliver(event(case.kind), (), again=False)
        # Lines of source are in a traceback; what they hold is not.
        shown = "".join(traceback.format_exception(error.value)) + str(error.value) + error.value.hint
        shown += repr(notifier) + caplog.text + "".join(capfd.readouterr())
        for form in forms(case, server.url):
            assert form.lower() not in shown.lower()


@pytest.mark.parametrize("spoilt", ["{}\nX", "{}\r\nX-Evil: 1", "{}ü"])
@channels
def test_o_04_a_secret_that_cannot_be_sent_is_not_shown_either(case: Case, spoilt: str) -> None:
    with provider(case) as server:
        secret = spoilt.format(case.secret(server.url))
        service = case.service(server.url)
        with pytest.raises(NoticeRefused) as error:
            make(service, {"SECRET": secret}).deliver(event(case.kind), (), again=False)
        shown = "".join(traceback.format_exception(error.value)) + error.value.hint
        assert all(form not in shown for form in forms(case, server.url))
        assert not server.asked


@channels
@pytest.mark.parametrize("secrets", [{}, {"SECRET": ""}])
def test_a_secret_that_is_missing_is_named(case: Case, secrets: dict[str, str]) -> None:
    with pytest.raises(NoticeRefused, match="the secret SECRET of the channel is not set"):
        make(case.service("http://127.0.0.1:9"), secrets)


# --- Text of others ------------------------------------------------------------------------------------

HOSTILE = {
    "ansi": "\x1b[2J\x1b]8;;https://evil.example\x07click\x1b]8;;\x07",
    "bidi": "user\u202e\u2066 // admin\u2069 \u200bzero\ufeff",
    "lines": "first\r\n::error file=a::second\n\n# third\x00\x0b\x85\u2028fourth",
    "command": "::set-output name=x::y ##[error]z ##vso[task.complete result=Failed]",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)></pre></details><!-- --> &lt;b&gt;",
    "markdown": "[click](javascript:alert(1)) ![i](https://evil.example/i.png) **b** | c | ``` # d",
    "mentions": "@everyone @here @kompass/ops <!channel> <@U024BE7LH> <!subteam^S1|x> #12 kompass/deploy#3",
    "links": "https://evil.example www.evil.example mailto:a@evil.example",
    "marker": "<!-- reconcile incident production/01J9ZM02QX --> --> <!-- reconcile event x -->",
    "template": "${{ secrets.TOKEN }} ${SECRET} $(touch /tmp/x) `touch /tmp/x` {run} %s %(x)s {0}",
    "surrogate": "half \ud83d of a smile",
    "long": "é" * 100_000,
}
_INVISIBLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_AUTOLINK = re.compile(r"(?<!\]\()https?://|www\.|(?<![\w&])@\w")
_FORMATTED = ("github-issues", "linear")


def strings(found: Any) -> Iterator[str]:
    match found:
        case str():
            yield found
        case dict():
            for one in found.values():
                yield from strings(one)
        case list():
            for one in found:
                yield from strings(one)
        case _:
            return


@channels
def test_o_05_text_of_others_is_harmless_in_every_channel(case: Case) -> None:
    with provider(case) as server:
        for name, text in HOSTILE.items():
            server.asked.clear()
            key = f"production/{name}/x"
            deliver(
                case, server, replace(hostile(text), kind=case.kind, key=key, incident=f"production/{name}")
            )
            wrote = [asked for asked in server.asked if asked.method in ("POST", "PUT")]
            sent = [one for asked in wrote for one in strings(asked.json)]
            assert sent
            for one in sent:
                assert_plain(one)
            if case.name in _FORMATTED:
                assert_no_markup(next(one for one in sent if "- Environment: production" in one), case.name)


def assert_plain(text: str) -> None:
    """Nothing invisible, and nothing that a CI system would obey."""
    assert not _INVISIBLE.search(text)
    assert "##[" not in text
    assert "##vso[" not in text
    assert not any(re.match(r"\s*::.*::", line) for line in text.split("\n"))


def assert_no_markup(body: str, channel: str) -> None:
    """Of Markdown and HTML only ours."""
    assert body.count("<!--") == (2 if channel == "github-issues" else 0)
    assert not re.search(r"<(?!!-- reconcile (incident|event) [\w./:@-]+ -->)", body)
    assert not _AUTOLINK.search(body)
    assert "](javascript" not in body.replace("\\]", "")


@channels
def test_o_05_names_of_environments_are_harmless_too(case: Case) -> None:
    with provider(case) as server:
        name = "prod<!channel>\x1b[2J\u202e@all"
        whole = replace(event(case.kind), environment=name, incident=f"{name}/1", key=f"{name}/1/x", run=name)
        deliver(case, server, whole)
        for one in (one for asked in server.asked if asked.method == "POST" for one in strings(asked.json)):
            assert not _INVISIBLE.search(one)
