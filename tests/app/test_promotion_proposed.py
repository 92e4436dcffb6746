"""Pins that may go on are proposed on a branch of their own, for people to merge."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.adapters.notify import pull_requests
from reconciler.app.promotion import Proposed
from reconciler.errors import NoticeRefused, NoticeUnreachable, Refused
from tests.app.test_promotion import GOAL, SOAK, Road
from tests.bed.fake_github import REPOSITORY, TOKEN, FakeGitHub
from tests.bed.providers import Provider, Said, Trouble, posts, serving


@pytest.fixture
def road() -> Road:
    return Road()


@pytest.fixture
def github() -> FakeGitHub:
    return FakeGitHub()


@pytest.fixture
def server(github: FakeGitHub) -> Iterator[Provider]:
    with serving(Provider(github.answer)) as found:
        yield found


def propose(road: Road, server: Provider, *services: str, reason: str = "") -> Proposed | None:
    proposals = pull_requests(server.url, REPOSITORY, TOKEN)
    return road.promotion.propose(services, SOAK, proposals, onto="main", reason=reason)


def test_the_commit_is_on_a_branch_and_the_request_has_the_evidence(
    road: Road, server: Provider, github: FakeGitHub
) -> None:
    proposed = propose(road, server, reason="the `new` search")
    assert proposed is not None
    (pull,) = github.pulls
    assert (pull["head"], pull["base"], pull["title"]) == (
        proposed.branch,
        "main",
        "next: api 1 → 2, web 1 → 2",
    )
    assert proposed.address == pull["html_url"]
    assert "web 1 → 2: good in production since 2026" in pull["body"]
    assert "the `new`" not in pull["body"], "text of others is no Markdown"
    assert road.passes.repository.pushed == [proposed.branch]
    assert road.pinned() == {"api": "1", "web": "1"}, "people decide"
    assert GOAL in road.passes.repository.branches[proposed.branch][-1].files


def test_asked_again_it_is_the_same_request(road: Road, server: Provider, github: FakeGitHub) -> None:
    first = propose(road, server)
    assert propose(road, server, reason="again") == first
    (pull,) = github.pulls
    assert pull["body"].startswith("again")
    assert len(road.passes.repository.pushed) == 1, "the commit is there"


def test_other_pins_are_another_request(road: Road, server: Provider, github: FakeGitHub) -> None:
    first, second = propose(road, server), propose(road, server, "web")
    assert first is not None
    assert second is not None
    assert first.branch != second.branch
    assert [pull["title"] for pull in github.pulls] == ["next: api 1 → 2, web 1 → 2", "next: web 1 → 2"]


def test_what_may_not_go_on_is_not_proposed(road: Road, server: Provider) -> None:
    road.passes.release(api="3", web="3")
    with pytest.raises(Refused):
        propose(road, server)
    assert (road.passes.repository.pushed, server.asked) == ([], [])


def test_where_nothing_differs_nobody_is_asked(road: Road, server: Provider) -> None:
    road()
    assert propose(road, server) is None
    assert server.asked == []


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (Said(401, {"message": "Bad credentials"}), NoticeRefused),
        (Said(403, {"message": "Resource not accessible"}), NoticeRefused),
        (Said(404, {"message": "Not Found"}), NoticeRefused),
        (Said(422, {"message": "Validation Failed"}), NoticeRefused),
        (Said(429, {"message": "slow down"}), NoticeUnreachable),
        (Said(500, {"message": "oh"}), NoticeUnreachable),
        (Said(201, {"number": 1}), NoticeUnreachable),
        (Trouble.CUT, NoticeUnreachable),
    ],
)
def test_where_it_cannot_be_asked_for_a_second_run_goes_on(
    road: Road, server: Provider, github: FakeGitHub, trouble: Said | Trouble, error: type[Exception]
) -> None:
    server.fail(trouble, of=posts("/pulls"))
    with pytest.raises(error) as caught:
        propose(road, server)
    assert TOKEN not in str(caught.value)
    proposed = propose(road, server)
    assert proposed is not None
    assert len(github.pulls) == 1, "also where only the answer was lost"
    assert len(road.passes.repository.pushed) == 1
