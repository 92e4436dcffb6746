"""Any other status page: its state is put as one document, where users notice something, and in the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.adapters.notify import make
from reconciler.domain.channels import StatusDocument
from reconciler.domain.events import Kind
from tests.adapters.notify.events import Conversation, event, hostile
from tests.bed.providers import Provider, Said, serving


@pytest.fixture
def server() -> Iterator[Provider]:
    with serving(Provider(lambda _: Said(204))) as found:
        yield found


def channel(server: Provider) -> Conversation:
    service = StatusDocument(f"{server.url}/production", "${T}")
    return Conversation(make(service, {"T": "status-token"}, total_seconds=5.0))


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.ROLLBACK_FAILED, Kind.TEST)])
def test_what_users_do_not_notice_is_not_put(server: Provider, kind: Kind) -> None:
    channel(server).tell(event(kind))
    assert not server.asked


def test_the_state_goes_from_outage_to_operational(server: Provider) -> None:
    told = channel(server)
    told.tell_all((Kind.REJECTED, Kind.ROLLBACK_FAILED, Kind.FAILED, Kind.ROLLED_BACK, Kind.RECOVERED))
    assert [asked.json["state"] for asked in server.asked] == ["outage", "monitoring", "operational"]
    assert {(asked.method, asked.path) for asked in server.asked} == {("PUT", "/production")}
    assert len({asked.json["incident"] for asked in server.asked}) == 1
    assert server.asked[0].headers["authorization"] == "Bearer status-token"
    assert server.asked[0].json["environment"] == "production"


def test_nothing_that_others_wrote_gets_onto_a_public_page(server: Provider) -> None:
    told = hostile("secret-service-name")
    channel(server).tell(
        event(Kind.ROLLBACK_FAILED, summary=told.summary, reason=told.reason, moves=told.moves)
    )
    assert b"secret-service-name" not in server.asked[-1].body


def test_a_test_changes_nothing(server: Provider) -> None:
    channel(server).tell(event(Kind.TEST))
    assert [asked.method for asked in server.asked] == ["GET"]
