"""Slack's incoming webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from reconciler.adapters.notify import make
from reconciler.domain.channels import Contact, Slack
from reconciler.domain.events import Event, Kind
from reconciler.errors import NoticeRefused, NoticeUnreachable
from tests.adapters.notify.events import LINK, Conversation, event, hostile
from tests.bed.providers import Asked, Provider, Said, serving

PATH = "/services/T0SECRET00/B0SECRET00/XverySecretXverySecretXx"


def slack(asked: Asked) -> Said:
    """As docs.slack.dev has it: `ok` in plain text, errors as words."""
    if asked.path != PATH:
        return Said(404, b"no_service")
    sent = asked.json
    texts = [block["text"]["text"] for block in sent["blocks"] if block["type"] == "section"]
    if not sent["text"] or any(not 0 < len(text) <= 3000 for text in texts):
        return Said(400, b"invalid_blocks")
    return Said(200, b"ok")


@pytest.fixture
def server() -> Iterator[Provider]:
    with serving(Provider(slack)) as found:
        yield found


def channel(server: Provider, path: str = PATH) -> Conversation:
    service = Slack("${SLACK_URL}")
    return Conversation(make(service, {"SLACK_URL": server.url + path}, link=LINK, total_seconds=5.0))


def sent(server: Provider, what: Event) -> Any:
    channel(server).tell(what)
    return server.asked[-1].json


def test_a_message_has_a_text_for_notifications_and_blocks(server: Provider) -> None:
    found = sent(server, event(Kind.ROLLED_BACK))
    assert found["text"] == "The release of backend 1.8.2 → 1.8.3 in production: rolled-back"
    title, body, context = found["blocks"]
    assert title["text"]["text"].startswith("*production* The release of backend")
    assert body["text"]["text"] == "backend  1.8.2 → 1.8.3\nReason: check backend: 503 Service Unavailable"
    assert "<https://ops.example.org/runs/01J9ZM02QX|run>" in context["elements"][0]["text"]
    assert server.asked[-1].headers["content-type"] == "application/json"


def test_an_alert_says_whom_to_call(server: Provider) -> None:
    contacts = (Contact("On-call", "+49 30 123456", "nights"), Contact("DevOps <b>", "devops@example.org"))
    notifier = make(Slack("${URL}"), {"URL": server.url + PATH}, contacts=contacts)
    notifier.deliver(event(Kind.ROLLBACK_FAILED), (), again=False)
    notifier.deliver(event(Kind.CONVERGED), (), again=False)
    alert, news = (asked.json["blocks"][1]["text"]["text"] for asked in server.asked)
    assert alert.endswith("On-call: +49 30 123456 (nights)\nDevOps &lt;b&gt;: devops@example.org")
    assert "On-call" not in news


def test_what_others_wrote_mentions_nobody_and_formats_nothing(server: Provider) -> None:
    found = sent(
        server,
        hostile("<!channel> <@U024BE7LH> *bold* `code` _it_ ~no~ @here &amp; https://evil.example a_b"),
    )
    written = [found["text"], *(block["text"]["text"] for block in found["blocks"][:2])]
    for text in written:
        assert "<" not in text
        assert ">" not in text
        assert "&lt;!channel&gt;" in text
        assert not set("`~@") & set(text)
        assert "&amp;amp;" in text
        assert "://" not in text
        assert "a_b" in text
    assert found["blocks"][0]["text"]["text"].count("*") == 2
    assert all(block["text"]["verbatim"] for block in found["blocks"][:2])


def test_a_message_is_never_longer_than_slack_takes(server: Provider) -> None:
    moves = tuple((f"{'&' * 200}{n}", "<" * 300, ">" * 300) for n in range(300))
    sent(server, replace(hostile("&" * 5000), moves=moves))
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, b"invalid_payload"),
        (403, b"action_prohibited"),
        (404, b"no_service"),
        (410, b"channel_is_archived"),
    ],
)
def test_what_slack_refuses_is_said_in_its_words(server: Provider, status: int, words: bytes) -> None:
    server.fail(Said(status, words))
    with pytest.raises(NoticeRefused, match=f"Slack refuses to take a message: {status} {words.decode()}"):
        channel(server).tell(event(Kind.REJECTED))


def test_what_is_not_slack_is_not_believed(server: Provider) -> None:
    server.fail(Said(200, b"<html>please sign in</html>"))
    with pytest.raises(NoticeUnreachable, match="does not answer as Slack does"):
        channel(server).tell(event(Kind.REJECTED))
