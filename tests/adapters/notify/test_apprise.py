"""Everything else, through apprise."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

import pytest

from reconciler.adapters.notify import make
from reconciler.domain.channels import Apprise, Contact
from reconciler.domain.events import Kind
from reconciler.errors import NoticeRefused, NoticeUnreachable
from tests.adapters.notify.events import LINK, Conversation, event, hostile
from tests.bed.providers import Provider, Said, serving

# Some of its plugins import what Python will not have any more; it is prepared for that.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
PASSWORD = "verySecretPassword"


@pytest.fixture
def server() -> Iterator[Provider]:
    with serving(Provider(lambda _: Said(200))) as found:
        yield found


def channel(server: Provider) -> Conversation:
    url = f"json://somebody:{PASSWORD}@{server.url.removeprefix('http://')}/hook?cto=2&rto=2"
    return Conversation(make(Apprise("${URL}"), {"URL": url}, link=LINK))


def test_a_message_arrives(server: Provider) -> None:
    channel(server).tell(event(Kind.REJECTED))
    (asked,) = server.asked
    assert asked.json["title"] == "The release of backend 1.8.2 → 1.8.3 in production: rejected"
    assert asked.json["type"] == "failure"
    assert "backend  1.8.2 → 1.8.3\nReason: check backend: 503" in asked.json["message"]
    assert asked.json["message"].endswith("https://ops.example.org/runs/01J9ZM02QX")
    channel(server).tell(event(Kind.CONVERGED))
    assert server.asked[1].json["type"] == "success"


def test_an_alert_says_whom_to_call(server: Provider) -> None:
    notifier = make(
        Apprise("${URL}"),
        {"URL": f"json://{server.url.removeprefix('http://')}"},
        contacts=(Contact("On-call", "call@example.org"),),
    )
    notifier.deliver(event(Kind.ROLLBACK_FAILED), (), again=False)
    assert "On-call: call@example.org\n" in server.asked[0].json["message"]


def test_what_others_wrote_mentions_nobody(server: Provider) -> None:
    channel(server).tell(hostile("@everyone <@1234> [here](https://evil.example) <b>x</b> **y** `z`"))
    sent = server.asked[0].json
    ours = sent["message"].replace("https://ops.example.org", "")
    assert not set("@<>[]*`&") & set(ours + sent["title"])
    assert "://" not in ours


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_what_fails_is_tried_again_and_no_address_shows(
    server: Provider, status: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    server.fail(Said(status, PASSWORD.encode()), times=9)
    with caplog.at_level(logging.DEBUG), pytest.raises(NoticeUnreachable, match="could not send") as error:
        channel(server).tell(event(Kind.REJECTED))
    assert PASSWORD not in str(error.value) + caplog.text + "".join(capfd.readouterr())


def test_an_address_that_apprise_does_not_know_is_refused() -> None:
    notifier = make(Apprise("${URL}"), {"URL": f"nonsense://{PASSWORD}"})
    with pytest.raises(NoticeRefused, match="does not know") as error:
        notifier.deliver(event(Kind.REJECTED), (), again=False)
    assert PASSWORD not in str(error.value)


def test_where_it_is_missing_it_says_how_to_install_it(
    server: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(NoticeRefused, match="apprise is not installed") as error:
        channel(server).tell(event(Kind.REJECTED))
    assert error.value.hint == "Install it: pip install 'reconcile[apprise]'"
