"""GitHub: deployments, their states, commit statuses, an issue for each incident, and workflows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from reconciler.adapters.notify import make
from reconciler.domain.channels import GitHub
from reconciler.domain.events import Kind
from reconciler.domain.severity import Severity
from reconciler.errors import NoticeRefused, NoticeUnreachable
from tests.adapters.notify.events import BAD, LINK, Conversation, event
from tests.bed.fake_github import REPOSITORY, TOKEN, FakeGitHub
from tests.bed.providers import Provider, Said, Trouble, posts, serving

GOOD = "1" * 40
REJECTION = (Kind.RELEASE_STARTED, Kind.REJECTED, Kind.ROLLED_BACK)


@pytest.fixture
def github() -> FakeGitHub:
    return FakeGitHub()


@pytest.fixture
def server(github: FakeGitHub) -> Iterator[Provider]:
    with serving(Provider(github.answer)) as found:
        yield found


def channel(server: Provider, *, token: str = TOKEN, **chosen: Any) -> Conversation:
    service = GitHub(
        REPOSITORY, "${GITHUB_TOKEN}", api=server.url, **({"deployments": False, "issues": False} | chosen)
    )
    return Conversation(make(service, {"GITHUB_TOKEN": token}, link=LINK, total_seconds=5.0))


# --- Deployments ------------------------------------------------------------------------------------


def test_a_release_is_a_deployment_that_goes_from_in_progress_to_success(
    github: FakeGitHub, server: Provider
) -> None:
    channel(server, deployments=True).tell_all((Kind.RELEASE_STARTED, Kind.CONVERGED))
    (made,) = github.deployments
    assert (made["sha"], made["environment"], made["task"]) == (BAD, "production", "deploy")
    assert [state["state"] for state in github.states[made["id"]]] == ["in_progress", "success"]
    assert github.states[made["id"]][-1]["log_url"] == "https://ops.example.org/runs/01J9ZM02QX"


def test_what_is_sent_to_create_a_deployment(github: FakeGitHub, server: Provider) -> None:
    channel(server, deployments=True).tell(event(Kind.RELEASE_STARTED))
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("POST", f"/repos/{REPOSITORY}/deployments")
    assert asked.headers["accept"] == "application/vnd.github+json"
    assert asked.json["required_contexts"] == []
    assert asked.json["auto_merge"] is False
    assert asked.json["payload"]["reconcile"]["services"][0]["service"] == "backend"


def test_o_06_a_release_that_was_rolled_back_is_a_failure_and_what_runs_is_the_success(
    github: FakeGitHub, server: Provider
) -> None:
    told = channel(server, deployments=True)
    told.tell_all((Kind.RELEASE_STARTED, Kind.CONVERGED), "01J9AAAAAA", revision=GOOD)
    told.tell_all(REJECTION)
    before, bad, back = github.deployments
    assert [github.state(one["id"]) for one in (before, bad, back)] == ["inactive", "failure", "success"]
    assert (back["task"], back["sha"]) == ("rollback", GOOD)
    assert [one["sha"] for one in github.deployments if github.state(one["id"]) == "success"] == [GOOD]


def test_o_06_where_nothing_runs_nothing_is_a_success(github: FakeGitHub, server: Provider) -> None:
    told = channel(server, deployments=True)
    told.tell_all((Kind.RELEASE_STARTED, Kind.CONVERGED), "01J9AAAAAA", revision=GOOD)
    told.tell_all((Kind.RELEASE_STARTED, Kind.REJECTED, Kind.ROLLBACK_FAILED))
    assert [github.state(one["id"]) for one in github.deployments] == ["inactive", "failure", "failure"]
    told.tell(event(Kind.ROLLED_BACK))
    assert [github.state(one["id"]) for one in github.deployments] == ["inactive", "failure", "success"]


def test_o_06_a_release_that_is_taken_back_late_is_a_success_no_more(
    github: FakeGitHub, server: Provider
) -> None:
    told = channel(server, deployments=True)
    told.tell_all((Kind.RELEASE_STARTED, Kind.CONVERGED), "01J9AAAAAA", revision=GOOD)
    told.tell_all((Kind.RELEASE_STARTED, Kind.CONVERGED))
    told.tell(event(Kind.ROLLED_BACK))
    assert [github.state(one["id"]) for one in github.deployments] == ["inactive", "failure", "success"]
    assert github.deployments[-1]["sha"] == GOOD


def test_a_release_supersedes_the_one_before_it_in_production(github: FakeGitHub, server: Provider) -> None:
    told = channel(server, deployments=True)
    for number, run in enumerate(("01J9AAAAAA", "01J9BBBBBB", "01J9CCCCCC")):
        told.tell_all((Kind.RELEASE_STARTED, Kind.CONVERGED), run, revision=str(number) * 40)
    assert [github.state(one["id"]) for one in github.deployments] == ["inactive", "inactive", "success"]


def test_deployments_of_others_are_left_alone(github: FakeGitHub, server: Provider) -> None:
    theirs = {"id": 7, "sha": GOOD, "task": "deploy", "environment": "production", "payload": {}}
    github.deployments.append(theirs | {"production_environment": True})
    github.states[7] = [{"state": "success"}]
    channel(server, deployments=True).tell_all((Kind.RELEASE_STARTED, Kind.CONVERGED))
    assert github.state(7) == "success"


def test_a_first_release_that_is_rejected_has_nothing_to_go_back_to(
    github: FakeGitHub, server: Provider
) -> None:
    channel(server, deployments=True).tell_all(REJECTION)
    assert [(one["task"], github.state(one["id"])) for one in github.deployments] == [("deploy", "failure")]


def test_a_channel_that_hears_only_of_the_rejection_still_shows_it(
    github: FakeGitHub, server: Provider
) -> None:
    channel(server, deployments=True).tell(event(Kind.REJECTED))
    assert [github.state(one["id"]) for one in github.deployments] == ["failure"]


def test_a_pass_that_failed_without_a_release_makes_no_deployment(
    github: FakeGitHub, server: Provider
) -> None:
    channel(server, deployments=True).tell(event(Kind.FAILED))
    assert github.deployments == []


def test_a_pass_that_failed_in_a_release_is_an_error(github: FakeGitHub, server: Provider) -> None:
    channel(server, deployments=True).tell_all((Kind.RELEASE_STARTED, Kind.FAILED))
    assert github.state(1000) == "error"


@pytest.mark.parametrize("path", ["/deployments", "/statuses"])
@pytest.mark.parametrize("kind", [Kind.RELEASE_STARTED, Kind.ROLLED_BACK])
def test_o_02_what_was_accepted_before_the_connection_was_cut_is_not_there_twice(
    github: FakeGitHub, server: Provider, path: str, kind: Kind
) -> None:
    told = channel(server, deployments=True)
    told.tell_all((Kind.RELEASE_STARTED, Kind.CONVERGED), "01J9AAAAAA", revision=GOOD)
    if kind is not Kind.RELEASE_STARTED:
        told.tell_all((Kind.RELEASE_STARTED, Kind.REJECTED))
    server.fail(Trouble.CUT, of=posts(path))
    with pytest.raises(NoticeUnreachable):
        told.tell(event(kind))
    told.tell(event(kind), again=True)
    tasks = [one["task"] for one in github.deployments]
    assert tasks == ["deploy", "deploy"] + ["rollback"] * (kind is Kind.ROLLED_BACK)
    for states in github.states.values():
        said = [state["state"] for state in states]
        assert len(said) == len(set(said))


def test_a_description_is_cut_to_what_github_takes(github: FakeGitHub, server: Provider) -> None:
    long = event(Kind.RELEASE_STARTED, summary="the release of " + "x" * 500)
    channel(server, deployments=True, statuses=True).tell(long)
    assert len(github.states[1000][0]["description"]) == 140
    assert github.commits[BAD][0]["description"].endswith("…")


# --- The status of a commit -----------------------------------------------------------------------------


def test_the_status_of_a_commit_follows_its_release(github: FakeGitHub, server: Provider) -> None:
    channel(server, statuses=True).tell_all((*REJECTION, Kind.PAUSED))
    assert [one["state"] for one in github.commits[BAD]] == ["pending", "failure", "failure"]
    assert {one["context"] for one in github.commits[BAD]} == {"reconcile/production"}
    channel(server, statuses=True).tell(event(Kind.CONVERGED, revision=GOOD))
    assert github.commits[GOOD][0]["state"] == "success"
    assert github.commits[GOOD][0]["target_url"].endswith("/runs/01J9ZM02QX")


# --- Issues ---------------------------------------------------------------------------------------------


def test_an_incident_has_one_issue_that_is_commented_and_closed_when_it_is_over(
    github: FakeGitHub, server: Provider
) -> None:
    told = channel(server, issues=True)
    told.tell_all((Kind.REJECTED, Kind.ROLLBACK_FAILED))
    (issue,) = github.issues
    assert issue["state"] == "open"
    assert issue["body"].startswith("<!-- reconcile incident production/01J9ZM02QX -->\n")
    assert {label["name"] for label in issue["labels"]} == {"reconcile", "incident"}
    assert len(github.comments[1]) == 1
    told.tell(event(Kind.RECOVERED))
    assert len(github.comments[1]) == 2
    assert (issue["state"], issue["state_reason"]) == ("closed", "completed")


def test_the_report_of_an_incident_is_attached(github: FakeGitHub, server: Provider) -> None:
    channel(server, issues=True).tell(event(Kind.REJECTED, details="# Incident: production\n\nall of it"))
    assert "# Incident: production\n\nall of it" in github.issues[0]["body"]


def test_an_issue_is_found_by_its_marker_where_no_receipt_is_left(
    github: FakeGitHub, server: Provider
) -> None:
    channel(server, issues=True).tell(event(Kind.REJECTED))
    channel(server, issues=True).tell(event(Kind.ROLLED_BACK))
    assert len(github.issues) == 1
    assert len(github.comments[1]) == 1


def test_a_marker_that_somebody_else_wrote_is_not_ours(github: FakeGitHub, server: Provider) -> None:
    body = "<!-- reconcile incident production/01J9ZM02QX -->"
    github.issues.append({"number": 1, "state": "open", "labels": [], "title": "mine", "body": body})
    channel(server, issues=True).tell(event(Kind.REJECTED))
    (made,) = github.issues[1:]
    assert made["title"] == "The release of backend 1.8.2 → 1.8.3 in production: rejected"


@pytest.mark.parametrize("kind", [Kind.RELEASE_STARTED, Kind.CONVERGED, Kind.RECOVERED, Kind.PAUSED])
def test_what_is_no_trouble_opens_no_issue(github: FakeGitHub, server: Provider, kind: Kind) -> None:
    assert channel(server, issues=True).tell(event(kind)) == ""
    assert github.issues == []


def test_o_02_an_issue_and_a_comment_are_not_written_twice(github: FakeGitHub, server: Provider) -> None:
    told = channel(server, issues=True)
    for kind, path in ((Kind.REJECTED, "/issues"), (Kind.ROLLED_BACK, "/comments"), (Kind.RECOVERED, "/1")):
        server.fail(Trouble.CUT, of=posts(path))
        with pytest.raises(NoticeUnreachable):
            told.tell(event(kind))
        told.tell(event(kind), again=True)
    assert len(github.issues) == 1
    assert len(github.comments[1]) == 2
    assert github.issues[0]["state"] == "closed"


def test_a_body_that_is_too_long_is_cut_and_what_was_open_is_closed(
    github: FakeGitHub, server: Provider
) -> None:
    log = "\n".join(f"line {number} ünd mehr" for number in range(9000))
    details = f"<details><summary>log</summary>\n\n<pre>\n{log}\n</pre>\n\n</details>"
    channel(server, issues=True).tell(event(Kind.REJECTED, details=details))
    body = github.issues[-1]["body"]
    assert 60_000 < len(body.encode()) <= 65536
    assert body.count("<pre>") == body.count("</pre>") == 1
    assert body.count("<details>") == body.count("</details>") == 1
    assert body.endswith("too long._")


@pytest.mark.parametrize("cut", [-1, -5, -15, -25, 60, 45, 30, 20, 10, 4])
def test_a_report_that_was_cut_anywhere_swallows_nothing(
    github: FakeGitHub, server: Provider, cut: int
) -> None:
    details = "<details><summary>log</summary>\n\n<pre>\na &lt;b&gt; line\n</pre>\n\n</details>"
    channel(server, issues=True).tell(event(Kind.REJECTED, details=details[:cut]))
    body = github.issues[0]["body"].partition("-->\n\n")[2]
    assert body.count("<pre>") == body.count("</pre>")
    assert body.count("<details>") == body.count("</details>")
    assert not re.search(r"<[^>]*\Z", body)


def test_where_issues_are_disabled_it_says_what_to_do_and_the_rest_is_told(
    github: FakeGitHub, server: Provider
) -> None:
    github.issues_enabled = False
    with pytest.raises(NoticeRefused, match="Issues has been disabled") as error:
        channel(server, deployments=True, issues=True, dispatch=True).tell(event(Kind.REJECTED))
    assert "issues: false" in error.value.hint
    assert github.state(1000) == "failure"
    assert len(github.dispatched) == 1


# --- Workflows --------------------------------------------------------------------------------------------


def test_an_event_starts_workflows(github: FakeGitHub, server: Provider) -> None:
    channel(server, dispatch=True).tell(event(Kind.ROLLED_BACK))
    (sent,) = github.dispatched
    assert sent["event_type"] == "reconcile.rolled-back"
    assert sent["client_payload"]["key"] == "production/01J9ZM02QX/rolled-back"
    assert sent["client_payload"]["moves"][0]["after"].startswith("ghcr.io/kompass/backend:1.8.3@")
    assert len(sent["client_payload"]) == 10


def test_a_payload_is_never_more_than_github_takes(github: FakeGitHub, server: Provider) -> None:
    moves = tuple((f"service-{n}" * 50, "é" * 5000, "é" * 5000) for n in range(500))
    large = event(Kind.REJECTED, moves=moves, reason="é" * 90_000, subject="é" * 90_000, summary="é" * 90_000)
    channel(server, dispatch=True).tell(large)
    assert len(github.dispatched) == 1


def test_o_02_what_github_cannot_be_asked_for_comes_at_most_twice(
    github: FakeGitHub, server: Provider
) -> None:
    told = channel(server, dispatch=True, issues=True)
    server.fail(Trouble.CUT, of=posts("/dispatches"))
    with pytest.raises(NoticeUnreachable):
        told.tell(event(Kind.REJECTED))
    told.tell(event(Kind.REJECTED), again=True)
    assert [one["client_payload"]["key"] for one in github.dispatched] == [
        "production/01J9ZM02QX/rejected"
    ] * 2
    assert len(github.issues) == 1
    assert 1 not in github.comments or not github.comments[1]


def test_workflows_are_not_started_again_because_something_before_failed(
    github: FakeGitHub, server: Provider
) -> None:
    told = channel(server, dispatch=True, issues=True)
    server.fail(Said(503, {"message": "unicorn"}), of=posts("/issues"), times=3)
    for _ in range(3):
        with pytest.raises(NoticeUnreachable):
            told.tell(event(Kind.REJECTED), again=True)
    told.tell(event(Kind.REJECTED), again=True)
    assert len(github.dispatched) == 1


# --- A test by a person -------------------------------------------------------------------------------------


def test_a_test_shows_nothing_in_deployments_and_opens_an_issue_that_is_closed_at_once(
    github: FakeGitHub, server: Provider
) -> None:
    test = replace(event(Kind.TEST), severity=Severity.LOW, revision="", moves=())
    channel(server, deployments=True, statuses=True, issues=True, dispatch=True).tell(test)
    assert github.deployments == []
    assert [one["state"] for one in github.issues] == ["closed"]
    assert len(github.dispatched) == 1
    with pytest.raises(NoticeRefused, match="Bad credentials"):
        channel(server, token="another", statuses=True).tell(test)


# --- Refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "needed"),
    [("deployments", "deployments=write"), ("issues", "issues=write"), ("dispatch", "contents=write")],
)
def test_a_missing_permission_is_named(github: FakeGitHub, server: Provider, what: str, needed: str) -> None:
    github.without = {"deployments", "issues", "dispatches", "statuses"}
    chosen: dict[str, Any] = {what: True}
    with pytest.raises(NoticeRefused, match="Resource not accessible") as error:
        channel(server, **chosen).tell(event(Kind.REJECTED))
    assert needed in error.value.hint


def test_a_limit_that_github_answers_with_403_is_no_refusal(server: Provider) -> None:
    limited = {"message": "You have exceeded a secondary rate limit."}
    server.fail(Said(403, limited, (("Retry-After", "60"),)))
    with pytest.raises(NoticeUnreachable) as error:
        channel(server, issues=True).tell(event(Kind.REJECTED))
    assert error.value.after_seconds == 60.0
    server.fail(
        Said(
            403,
            {"message": "API rate limit exceeded"},
            (("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1")),
        )
    )
    with pytest.raises(NoticeUnreachable):
        channel(server, issues=True).tell(event(Kind.REJECTED))


def test_a_commit_that_github_does_not_have_is_named(github: FakeGitHub, server: Provider) -> None:
    github.unknown_refs.add(BAD)
    with pytest.raises(NoticeRefused, match="422 No ref found for"):
        channel(server, deployments=True).tell(event(Kind.RELEASE_STARTED))


def test_a_conflict_is_refused_with_its_reason(server: Provider) -> None:
    server.fail(Said(409, {"message": "Conflict: Commit status checks failed for master."}))
    with pytest.raises(NoticeRefused, match="409 Conflict: Commit status checks failed"):
        channel(server, deployments=True).tell(event(Kind.RELEASE_STARTED))


def test_a_repository_that_was_renamed_is_not_followed(server: Provider) -> None:
    server.fail(Said(301, {"message": "Moved Permanently"}, (("Location", f"{server.url}/repositories/1"),)))
    with pytest.raises(NoticeRefused, match="301 Moved Permanently") as error:
        channel(server, issues=True).tell(event(Kind.REJECTED))
    assert "not followed" in error.value.hint
    assert len(server.asked) == 1


def test_a_receipt_that_is_none_of_ours_says_nothing(github: FakeGitHub, server: Provider) -> None:
    told = channel(server, deployments=True, issues=True)
    told.tell(event(Kind.RELEASE_STARTED))
    receipt = json.loads(told.delivered[0].receipt)
    assert receipt == {"deployment": 1000}
    told.delivered[0] = replace(told.delivered[0], receipt='["nonsense"')
    told.tell(event(Kind.REJECTED))
    assert len(github.deployments) == 1
