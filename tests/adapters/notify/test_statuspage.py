"""Statuspage: an incident where users notice something, and its end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.adapters.notify import make
from reconciler.domain.channels import Statuspage
from reconciler.domain.events import Kind
from reconciler.domain.severity import Severity
from reconciler.errors import NoticeRefused, NoticeUnreachable
from tests.adapters.notify.events import Conversation, event, hostile
from tests.bed.fake_statuspage import COMPONENTS, KEY, PAGE, FakeStatuspage
from tests.bed.providers import Provider, Said, Trouble, posts, serving


@pytest.fixture
def page() -> FakeStatuspage:
    return FakeStatuspage()


@pytest.fixture
def server(page: FakeStatuspage) -> Iterator[Provider]:
    with serving(Provider(page.answer)) as found:
        yield found


def channel(
    server: Provider, *, key: str = KEY, components: tuple[str, ...] = COMPONENTS[:1], page: str = PAGE
) -> Conversation:
    service = Statuspage(page, "${STATUSPAGE_KEY}", components, url=server.url)
    return Conversation(make(service, {"STATUSPAGE_KEY": key}, total_seconds=5.0))


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.ROLLBACK_FAILED, Kind.TEST)])
def test_what_users_do_not_notice_stays_inside(server: Provider, kind: Kind) -> None:
    channel(server).tell(event(kind))
    assert not server.asked


def test_a_release_that_is_rolled_back_stays_inside(page: FakeStatuspage, server: Provider) -> None:
    channel(server).tell_all((Kind.RELEASE_STARTED, Kind.REJECTED, Kind.ROLLED_BACK))
    assert page.incidents == []


def test_an_incident_is_opened_updated_and_resolved(page: FakeStatuspage, server: Provider) -> None:
    told = channel(server)
    told.tell_all((Kind.REJECTED, Kind.ROLLBACK_FAILED))
    (incident,) = page.incidents
    assert (incident["status"], incident["impact_override"]) == ("investigating", "critical")
    assert incident["deliver_notifications"] is False
    assert page.components[COMPONENTS[0]] == "major_outage"
    assert page.components[COMPONENTS[1]] == "operational"
    told.tell_all((Kind.FAILED, Kind.ROLLED_BACK))
    assert (incident["status"], page.components[COMPONENTS[0]]) == ("monitoring", "operational")
    told.tell(event(Kind.RECOVERED))
    assert incident["status"] == "resolved"
    assert len(page.incidents) == 1
    assert len(page.updates) == 3


@pytest.mark.parametrize(
    ("severity", "state"),
    [(Severity.HIGH, "partial_outage"), (Severity.MEDIUM, "degraded_performance")],
)
def test_components_are_as_bad_as_the_severity(
    page: FakeStatuspage, server: Provider, severity: Severity, state: str
) -> None:
    channel(server).tell(event(Kind.ROLLBACK_FAILED, severity=severity))
    assert page.components[COMPONENTS[0]] == state


def test_without_components_none_is_changed(page: FakeStatuspage, server: Provider) -> None:
    channel(server, components=()).tell(event(Kind.ROLLBACK_FAILED))
    assert "components" not in page.incidents[0]


def test_nothing_that_others_wrote_gets_onto_a_public_page(server: Provider) -> None:
    told = hostile("secret-service-name")
    channel(server).tell(
        event(Kind.ROLLBACK_FAILED, summary=told.summary, reason=told.reason, moves=told.moves)
    )
    assert b"secret-service-name" not in server.asked[-1].body


def test_o_02_what_was_accepted_before_the_connection_was_cut_is_there_once(
    page: FakeStatuspage, server: Provider
) -> None:
    told = channel(server)
    for kind in (Kind.ROLLBACK_FAILED, Kind.ROLLED_BACK, Kind.RECOVERED):
        server.fail(Trouble.CUT, of=posts())
        with pytest.raises(NoticeUnreachable):
            told.tell(event(kind))
        told.tell(event(kind), again=True)
    assert len(page.incidents) == 1
    assert len(page.updates) == 3
    assert page.incidents[0]["status"] == "resolved"


def test_an_incident_of_somebody_else_is_left_alone(page: FakeStatuspage, server: Provider) -> None:
    page.incidents.append({"id": "theirs", "status": "investigating", "metadata": {}, "name": "x"})
    channel(server).tell(event(Kind.ROLLBACK_FAILED), again=True)
    assert [one["status"] for one in page.incidents] == ["investigating", "investigating"]


def test_a_test_shows_nothing_on_the_page(page: FakeStatuspage, server: Provider) -> None:
    channel(server).tell(event(Kind.TEST))
    assert page.incidents == []
    with pytest.raises(NoticeRefused, match="Could not authenticate"):
        channel(server, key="another key").tell(event(Kind.TEST))


def test_a_component_that_is_not_there_is_named(server: Provider) -> None:
    with pytest.raises(NoticeRefused, match="422 Component ids are invalid"):
        channel(server, components=("nonsense",)).tell(event(Kind.ROLLBACK_FAILED))


@pytest.mark.parametrize("status", [420, 429])
def test_its_limit_is_waited_for(server: Provider, status: int) -> None:
    server.fail(Said(status, {"error": "Rate limit exceeded"}))
    with pytest.raises(NoticeUnreachable, match="Rate limit exceeded"):
        channel(server).tell(event(Kind.ROLLBACK_FAILED))
