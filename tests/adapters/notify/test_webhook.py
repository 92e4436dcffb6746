"""Signed webhooks: Standard Webhooks 1.0.0, and where they may lead."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.notify import make
from reconciler.adapters.notify.addresses import refuse_private
from reconciler.adapters.notify.signature import keys_of, message_id, signed
from reconciler.domain.channels import Webhook
from reconciler.domain.events import Kind
from reconciler.errors import NoticeRefused, NoticeUnreachable
from tests.adapters.notify.events import Conversation, event
from tests.adapters.probe.certificates import self_signed
from tests.bed.providers import Provider, Said, Trouble, serving

RAW = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(RAW).decode()
OTHER = "whsec_" + base64.b64encode(RAW[::-1]).decode()


@pytest.fixture
def server() -> Iterator[Provider]:
    with serving(Provider(lambda _: Said(204))) as found:
        yield found


def channel(url: str, secret: str = SECRET, *, allow_private: bool = True) -> Conversation:
    service = Webhook(url, "${SECRET}", allow_private=allow_private)
    return Conversation(make(service, {"SECRET": secret}, total_seconds=5.0))


# --- The signature ------------------------------------------------------------------------------------


def test_the_example_of_the_specification() -> None:
    key = keys_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = dict(signed("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', key))
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_check_what_it_gets(server: Provider) -> None:
    before = int(time.time())
    channel(f"{server.url}/hook").tell(event(Kind.ROLLED_BACK))
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/hook")
    identity, stamp = asked.headers["webhook-id"], asked.headers["webhook-timestamp"]
    content = f"{identity}.{stamp}.".encode() + asked.body
    signature = base64.b64encode(hmac.new(RAW, content, hashlib.sha256).digest()).decode()
    assert asked.headers["webhook-signature"] == f"v1,{signature}"
    assert before <= int(stamp) <= time.time()
    assert asked.json["type"] == "reconcile.rolled-back"
    assert asked.json["timestamp"] == "2026-09-30T14:00:00.000000Z"
    assert asked.json["data"]["moves"][0]["service"] == "backend"


def test_while_a_secret_is_replaced_there_is_a_signature_for_each(server: Provider) -> None:
    channel(server.url, f"{SECRET} {OTHER}").tell(event(Kind.REJECTED))
    first, second = server.asked[0].headers["webhook-signature"].split(" ")
    assert first != second
    assert first.startswith("v1,")
    assert second.startswith("v1,")


def test_o_02_an_attempt_that_may_have_arrived_comes_with_the_same_id(server: Provider) -> None:
    told = channel(server.url)
    server.fail(Trouble.CUT)
    with pytest.raises(NoticeUnreachable):
        told.tell(event(Kind.REJECTED))
    told.tell(event(Kind.REJECTED), again=True)
    told.tell(event(Kind.ROLLED_BACK))
    first, second, third = (asked.headers["webhook-id"] for asked in server.asked)
    assert first == second != third
    assert "." not in message_id("production/01J9.x/rejected")


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_c2hvcnQ=", SECRET[6:], "whsec_not base64 at all!", SECRET + "=x"]
)
def test_what_is_no_secret_of_a_webhook_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(NoticeRefused) as error:
        channel("https://example.org", secret)
    assert secret[6:] not in str(error.value) or len(secret) <= 6


# --- Where it leads ---------------------------------------------------------------------------------------

PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:192.0.0.192",
    "::ffff:168.63.129.16",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_only_this_host_can_reach_is_refused(address: str) -> None:
    with pytest.raises(NoticeRefused, match="not a public address"):
        refuse_private(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::808:808", "2a00:1450:4001::1", "2002:808:808::"]
)
def test_what_is_public_is_not(address: str) -> None:
    refuse_private(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1", "0177.0.0.1"]
)
def test_nothing_is_sent_to_a_private_address_however_it_is_written(server: Provider, host: str) -> None:
    port = server.url.rpartition(":")[2]
    with pytest.raises((NoticeRefused, NoticeUnreachable)):
        channel(f"http://{host}:{port}/", allow_private=False).tell(event(Kind.REJECTED))
    assert not server.asked


def test_a_private_address_is_allowed_where_it_is_meant(server: Provider) -> None:
    with pytest.raises(NoticeRefused) as error:
        channel(server.url, allow_private=False).tell(event(Kind.REJECTED))
    assert "allow_private: true" in error.value.hint
    channel(server.url).tell(event(Kind.REJECTED))
    assert len(server.asked) == 1


def test_a_name_is_resolved_once_and_what_was_looked_at_is_connected_to(
    server: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that leads elsewhere the second time (DNS rebinding): there is no second time."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: str, port: int, *others: object, **more: object) -> object:
        if host != "rebinding.test":
            return real(host, port, *others, **more)  # type: ignore[arg-type]  # handed on as it came
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    port = server.url.rpartition(":")[2]
    channel(f"http://rebinding.test:{port}/").tell(event(Kind.REJECTED))
    assert asked == ["rebinding.test"]
    assert server.asked[0].headers["host"] == f"rebinding.test:{port}"


def test_of_several_addresses_none_may_be_private(server: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    def both(host: str, port: int, **_: object) -> object:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in ("192.0.2.1", "127.0.0.1")
        ]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(NoticeRefused, match="not a public address"):
        channel("http://both.test/", allow_private=False).tell(event(Kind.REJECTED))
    assert not server.asked


def test_a_redirect_is_not_followed(server: Provider) -> None:
    server.fail(Said(302, None, (("Location", f"{server.url}/elsewhere"),)))
    with pytest.raises(NoticeRefused, match="refuses to take an event: 302"):
        channel(server.url).tell(event(Kind.REJECTED))
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org", "example.org", "file:///etc/passwd", "http://", "http://a b", "http://x:99999"],
)
def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(NoticeRefused, match="its address is not a URL"):
        channel(url).tell(event(Kind.REJECTED))


# --- TLS ------------------------------------------------------------------------------------------


def test_a_certificate_is_checked_against_the_name_though_an_address_is_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, context = self_signed(tmp_path, "DNS:localhost")
    with serving(Provider(lambda _: Said(204)), context) as server:
        port = server.url.rpartition(":")[2]
        with pytest.raises(NoticeUnreachable, match=r"(?i)certificate"):
            channel(f"https://localhost:{port}/").tell(event(Kind.REJECTED))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        channel(f"https://localhost:{port}/").tell(event(Kind.REJECTED))
        with pytest.raises(NoticeUnreachable, match=r"(?i)certificate"):
            channel(f"https://127.0.0.1:{port}/").tell(event(Kind.REJECTED))
        assert len(server.asked) == 1
