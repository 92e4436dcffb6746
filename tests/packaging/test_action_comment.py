"""The comment of the action: one on each pull request, updated; it never decides about the job."""

from __future__ import annotations

import json
import re
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.runner import Runner

TOKEN = "t0k3n-of-the-job"
PROGRAM = """#!/bin/sh
printf '### production: plan\\n\\n| `$(id)` |\\n' >>"$GITHUB_STEP_SUMMARY"
printf 'changed=true\\nresult=no-op\\nexit-code=0\\nrun-id=\\n' >>"$GITHUB_OUTPUT"
"""


@dataclass(slots=True)
class GitHub:
    """Comments of one repository, as GitHub's API has them: pages of them, and who may write."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answers: int = 0
    location: str = ""
    url: str = ""

    def add(self, body: str, kind: str = "Bot") -> dict[str, Any]:
        comment = {"id": len(self.comments) + 1000, "body": body, "user": {"type": kind}}
        self.comments.append(comment)
        return comment

    def answer(self, method: str, path: str, token: str, content: Any) -> tuple[int, Any]:
        self.asked.append(f"{method} {path}")
        if self.answers:
            return self.answers, {"message": "no"}
        if token != f"Bearer {TOKEN}":
            return 401, {"message": "Bad credentials"}
        if found := re.fullmatch(
            r"/repos/kompass/deploy/issues/7/comments(?:\?per_page=100&page=(\d+))?", path
        ):
            if method == "POST":
                return 201, self.add(content["body"])
            page = int(found[1]) - 1
            return 200, self.comments[page * 100 : page * 100 + 100]
        if found := re.fullmatch(r"/repos/kompass/deploy/issues/comments/(\d+)", path):
            (comment,) = [one for one in self.comments if one["id"] == int(found[1])]
            comment["body"] = content["body"]
            return 200, comment
        return 404, {"message": "Not Found"}


@pytest.fixture
def github() -> Iterator[GitHub]:
    """A server on loopback."""
    state = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            content = json.loads(self.rfile.read(length)) if length else None
            token = self.headers.get("Authorization", "")
            code, document = state.answer(self.command, self.path, token, content)
            self.send_response(code)
            if state.location:
                self.send_header("Location", state.location)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        do_GET = do_POST = do_PATCH = _any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield state
        server.shutdown()
        thread.join()


@pytest.fixture
def job(github: GitHub, tmp_path: Path) -> Runner:
    """A job for pull request 7, with a program whose plan is always the same."""
    program = tmp_path / "bin" / "reconcile"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    runner = Runner(tmp_path / "job", (program.parent,))
    runner.event("pull_request", {"pull_request": {"number": 7}})
    runner.variables |= {
        "GITHUB_API_URL": github.url,
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_REPOSITORY": "kompass/deploy",
        "GITHUB_RUN_ID": "4711",
    }
    (runner.root / "summary").write_text("what another program wrote\n")
    return runner


def plan(job: Runner, **inputs: str) -> dict[str, str]:
    job.code, job.log = 0, ""
    return job.use(version="installed", comment="true", **{"token": TOKEN, **inputs})


def test_the_plan_is_one_comment_that_is_updated(job: Runner, github: GitHub) -> None:
    person = github.add("<!-- reconcile plan of all -->\nsaid by somebody", kind="User")
    for _ in range(2):
        outputs = plan(job)
        assert (job.code, outputs["changed"]) == (0, "true"), job.log
    assert len(github.comments) == 2
    assert github.comments[1]["body"] == (
        "<!-- reconcile plan of all -->\n### production: plan\n\n| `$(id)` |\n"
    ), "without what another program wrote into the summary"
    assert person["body"].endswith("said by somebody"), "whoever wrote a comment may edit it afterwards"
    assert TOKEN not in job.log


def test_each_choice_of_environments_has_a_comment_of_its_own(job: Runner, github: GitHub) -> None:
    for names in ("staging", "production --> x", "production x"):
        plan(job, environments=names)
    assert [one["body"].splitlines()[0] for one in github.comments] == [
        "<!-- reconcile plan of staging -->",
        "<!-- reconcile plan of production x -->",
    ]


def test_it_is_found_behind_hundreds_of_others(job: Runner, github: GitHub) -> None:
    for number in range(250):
        github.add(f"comment {number}")
    mine = github.add("<!-- reconcile plan of all -->\nan old plan")
    plan(job)
    assert len(github.comments) == 251
    assert "### production: plan" in mine["body"]


@pytest.mark.parametrize("code", [401, 403, 404, 422, 429, 500, 302])
def test_where_it_cannot_be_written_that_is_a_warning(job: Runner, github: GitHub, code: int) -> None:
    github.answers = code
    github.location = f"{github.url}/elsewhere" if code == 302 else ""
    outputs = plan(job)
    assert (job.code, outputs["changed"]) == (0, "true"), job.log
    assert (
        f"::warning title=reconcile::the plan is in the summary, but no comment: GET was answered with {code}"
        in job.log
    )
    assert len(github.asked) == 1, "and no redirect is followed with the token"


def test_so_it_is_where_nobody_answers(job: Runner) -> None:
    job.variables["GITHUB_API_URL"] = "http://127.0.0.1:9"
    plan(job)
    assert job.code == 0
    assert "::warning title=reconcile::" in job.log


def test_a_long_plan_is_cut_and_says_where_the_rest_is(job: Runner, github: GitHub) -> None:
    line = "| a service that changes |"
    (job.root / "long").write_text(f"{line}\n" * 10_000)
    (job.path[0] / "reconcile").write_text(f'#!/bin/sh\ncat {job.root}/long >>"$GITHUB_STEP_SUMMARY"\n')
    plan(job)
    (comment,) = github.comments
    assert 50_000 < len(comment["body"]) < 65_536
    assert comment["body"].splitlines()[-3] == line
    assert "https://github.example/kompass/deploy/actions/runs/4711" in comment["body"]


def test_there_is_none_for_other_commands_and_events(job: Runner, github: GitHub) -> None:
    plan(job, command="once")
    job.event("push", {})
    plan(job)
    assert (job.code, github.asked) == (0, [])


def test_a_plan_that_failed_is_a_comment_too(job: Runner, github: GitHub) -> None:
    (job.path[0] / "reconcile").write_text(PROGRAM + "exit 69\n")
    plan(job)
    assert (job.code, len(github.comments)) == (69, 1)
