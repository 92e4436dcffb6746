"""Linear: one issue for each incident, and comments on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.adapters.notify import make
from reconciler.domain.channels import Linear
from reconciler.domain.events import Kind
from reconciler.domain.severity import Severity
from reconciler.errors import NoticeRefused, NoticeUnreachable
from reconciler.interface.render.markdown import details
from tests.adapters.notify.events import LINK, Conversation, event
from tests.bed.fake_linear import KEY, TEAM, FakeLinear, failed
from tests.bed.providers import Provider, Said, Trouble, posts, serving


@pytest.fixture
def linear() -> FakeLinear:
    return FakeLinear()


@pytest.fixture
def server(linear: FakeLinear) -> Iterator[Provider]:
    with serving(Provider(linear.answer)) as found:
        yield found


def channel(server: Provider, *, key: str = KEY, team: str = TEAM) -> Conversation:
    service = Linear(team, "${LINEAR_KEY}", labels=("f5e1",), url=f"{server.url}/graphql")
    return Conversation(make(service, {"LINEAR_KEY": key}, link=LINK, total_seconds=5.0))


def test_an_incident_is_one_issue_with_comments(linear: FakeLinear, server: Provider) -> None:
    told = channel(server)
    told.tell_all((Kind.REJECTED, Kind.ROLLED_BACK, Kind.RECOVERED))
    (issue,) = linear.issues.values()
    assert issue["title"] == "The release of backend 1.8.2 → 1.8.3 in production: rejected"
    assert (issue["teamId"], issue["priority"], issue["labelIds"]) == (TEAM, 1, ["f5e1"])
    assert [one["issueId"] for one in linear.comments.values()] == [issue["id"]] * 2


def test_a_personal_key_stands_alone_and_a_token_behind_bearer(linear: FakeLinear, server: Provider) -> None:
    channel(server).tell(event(Kind.REJECTED))
    assert server.asked[0].headers["authorization"] == KEY
    with pytest.raises(NoticeRefused, match="Authentication required"):
        channel(server, key="lin_oauth_0123456789").tell(event(Kind.REJECTED))
    assert server.asked[-1].headers["authorization"] == "Bearer lin_oauth_0123456789"


@pytest.mark.parametrize(
    ("severity", "priority"),
    [(Severity.CRITICAL, 1), (Severity.HIGH, 2), (Severity.MEDIUM, 3), (Severity.LOW, 4)],
)
def test_the_priority_is_the_severity(
    linear: FakeLinear, server: Provider, severity: Severity, priority: int
) -> None:
    channel(server).tell(event(Kind.REJECTED, severity=severity))
    assert [one["priority"] for one in linear.issues.values()] == [priority]


@pytest.mark.parametrize("again", [True, False])
def test_o_02_what_was_accepted_before_the_connection_was_cut_is_there_once(
    linear: FakeLinear, server: Provider, again: bool
) -> None:
    told = channel(server)
    for kind in (Kind.REJECTED, Kind.ROLLED_BACK):
        server.fail(Trouble.CUT, of=posts())
        with pytest.raises(NoticeUnreachable):
            told.tell(event(kind))
        told.tell(event(kind), again=again)
    assert (len(linear.issues), len(linear.comments)) == (1, 1)
    changes = [asked for asked in server.asked if b"mutation" in asked.body]
    assert len(changes) == (2 if again else 4), "it is looked for first"


def test_nothing_is_lost_where_an_earlier_attempt_did_not_arrive(
    linear: FakeLinear, server: Provider
) -> None:
    server.fail(Trouble.CUT_BEFORE, of=posts())
    told = channel(server)
    with pytest.raises(NoticeUnreachable):
        told.tell(event(Kind.REJECTED))
    told.tell(event(Kind.REJECTED), again=True)
    assert len(linear.issues) == 1


@pytest.mark.parametrize("kind", [Kind.RELEASE_STARTED, Kind.CONVERGED, Kind.RECOVERED])
def test_what_is_no_trouble_opens_no_issue(linear: FakeLinear, server: Provider, kind: Kind) -> None:
    assert channel(server).tell(event(kind)) == ""
    assert not server.asked


def test_errors_under_200_are_errors(server: Provider) -> None:
    with pytest.raises(
        NoticeRefused, match="Linear refuses to open an issue: Entity not found in validateAccess"
    ):
        channel(server, team="another").tell(event(Kind.REJECTED))
    server.fail(Said(200, failed("Access denied", "forbidden", "You do not have access to this team.")))
    with pytest.raises(NoticeRefused, match="Access denied; You do not have access to this team"):
        channel(server).tell(event(Kind.REJECTED))
    server.fail(Said(200, {"data": {"issueCreate": {"success": False}}}))
    with pytest.raises(NoticeRefused, match="gives no reason"):
        channel(server).tell(event(Kind.REJECTED))


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("kind", ["ratelimited", "RATELIMITED", "internal error", "lock timeout"])
def test_a_limit_and_trouble_of_its_own_are_tried_again(server: Provider, status: int, kind: str) -> None:
    server.fail(Said(status, failed("Rate limit exceeded", kind), (("Retry-After", "12"),)))
    with pytest.raises(NoticeUnreachable, match="Rate limit exceeded") as error:
        channel(server).tell(event(Kind.REJECTED))
    assert error.value.after_seconds == 12


@pytest.mark.parametrize("body", [b"<html>welcome</html>", b"[]", b"{}", b""])
def test_what_is_not_linear_is_not_believed(server: Provider, body: bytes) -> None:
    server.fail(Said(200, body))
    with pytest.raises(NoticeUnreachable, match="does not answer as Linear does"):
        channel(server).tell(event(Kind.REJECTED))


def test_the_report_is_readable_without_html(linear: FakeLinear, server: Provider) -> None:
    report = "<!-- reconcile incident 01J9 -->\n# Incident\n\n" + details("log of a<b", "``` <b>\n\n&amp;")
    channel(server).tell(event(Kind.REJECTED, details=report))
    (issue,) = linear.issues.values()
    assert "# Incident\n\nlog of a&lt;b\n\n````\n``` <b>\n\n&amp;\n````" in issue["description"]
    assert "<!--" not in issue["description"]
    assert "[01J9ZM02QX](https://ops.example.org/runs/01J9ZM02QX)" in issue["description"]
