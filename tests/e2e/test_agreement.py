"""Five witnesses of one pass say the same: exit code, report, journal, Git and a client."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.bed.parameters import long_but
from tests.bed.registry import free_port
from tests.e2e.gated import STACK, kept
from tests.e2e.origin import Origin
from tests.e2e.runs import Result
from tests.e2e.witness import Witness
from tests.e2e.world import World, published

CODES = {"converged": 0, "rolled-back": 10, "rollback-failed": 11}
HEALTH: dict[str, Any] = {"http": {"url": "URL/health"}}
LATENCY = {"latency": {"of": "web", "samples": 8}}
LOGIN = {"json": {"email": "probe@example.org", "password": "${PROBE_PASSWORD}"}}
SIGN_IN = {"flow": [{"post": "URL/api/v1/auth/login", **LOGIN, "capture": {"token": "access_token"}}]}


@dataclass(frozen=True, slots=True)
class Case:
    """A release of ``web``, and what is to become of it.

    ``before`` is what runs; ``undo`` is how far the undoing in Git comes, empty for none; ``saw`` is what a
    client of the port saw in turn, where that is certain.
    """

    image: str
    result: str
    undo: str = ""
    checks: dict[str, Any] = field(default_factory=dict)
    before: str = "web:1"
    soak: str = "0s"
    options: tuple[str, ...] = ()
    saw: tuple[str, ...] = ()


CASES = {
    "good": Case("web:2", "converged", checks={"web": HEALTH}, saw=("1", "2")),
    "medium": Case("web:faulty", "converged", checks={"web": HEALTH | {"severity": "medium"}}),
    "crash": Case("web:crash", "rolled-back", "done", saw=("1",)),
    "oom": Case("web:oom", "rolled-back", "done", soak="4s"),
    "unhealthy": Case("health:broken", "rolled-back", "done"),
    "500": Case("web:broken", "rolled-back", "done", {"web": HEALTH}),
    "slow": Case(
        "web:slow60", "rolled-back", "done", {"web": HEALTH, "latency": LATENCY}, before="web:slow0"
    ),
    "no-login": Case("web:nologin", "rolled-back", "done", {"sign-in": SIGN_IN}),
    "late": Case(
        "web:late", "rolled-back", "done", {"web": HEALTH}, options=("--observe",), saw=("1", "late", "1")
    ),
    "exonerated": Case("web:3", "rollback-failed", "off", checks={"elsewhere": {"tcp": "NOBODY"}}),
    "first": Case("web:crash", "rollback-failed", "impossible", before="", saw=()),
}

USUAL = ("good", "medium", "crash", "500", "exonerated", "first")


@pytest.mark.parametrize("name", long_but(*USUAL, among=CASES))
def test_exit_code_report_journal_git_and_client_agree(request: pytest.FixtureRequest, name: str) -> None:
    case = CASES[name]
    origin = staged(request, case)
    world = origin.world
    release = origin.release(web=case.image)
    with Witness(world, world.url, again=False) as witness:
        result = world.once(*case.options)
        report = result.environment
        if case.undo == "done":
            witness.expect_undone(origin.bare, release)
    story = world.reconcile("-o", "json", "history", "show", report["run"]).expect(0).environment["story"]
    assert report["result"] == case.result, result.said
    assert report["revision"]["commit"] == release
    expect_codes(result)
    expect_journal(report, story)
    expect_git(origin, report, release, case.undo)
    if report["undo"] and not case.options:  # one that failed late is known by the pass that released it
        assert report["undo"]["run"] == report["run"]
    stays = case.image if case.result == "converged" else case.before
    expect_client(world, witness, stays, case.saw)


def staged(request: pytest.FixtureRequest, case: Case) -> Origin:
    """What the case begins with: a remote, checks, and what ran before."""
    origin = (
        nothing_yet(request.getfixturevalue("world"))
        if not case.before
        else request.getfixturevalue("origin")
    )
    assert isinstance(origin, Origin)
    world = origin.world
    world.settings["gate"] |= {"timeout": "4s", "soak": case.soak}
    world.settings["severity"] = {"high": {"rollback": "after 20s"}, "medium": "alert"}
    world.variables["PROBE_PASSWORD"] = "right"
    if case.before not in ("", "web:1"):
        kept(origin, web=case.before)
    for name, check in case.checks.items():
        world.check(name, filled(check, world.url))
    return origin


def nothing_yet(world: World) -> Origin:
    """A repository that nothing was ever released from."""
    port, _ = published()
    world.settings["rollback"] = {"git": "push"}
    world.stack(STACK.format(port=port), worker="web:1")
    return Origin.of(world)


def filled(check: Any, url: str) -> Any:
    """The same with the world's addresses in it."""
    match check:
        case dict():
            return {name: filled(value, url) for name, value in check.items()}
        case list():
            return [filled(value, url) for value in check]
        case str():
            return check.replace("URL", url).replace("NOBODY", f"127.0.0.1:{free_port()}")
        case _:
            return check


def expect_codes(result: Result) -> None:
    report = result.environment
    assert result.code == report["exit_code"] == CODES[report["result"]]
    healthy = {0: ("synced", "healthy"), 10: ("synced", "healthy")}
    if result.code in healthy:
        assert (report["sync"], report["health"]) == healthy[result.code]


def expect_journal(report: dict[str, Any], story: dict[str, Any]) -> None:
    """Everything that both say, they say alike."""
    judgement, restored = report["judgement"], report["restored"]
    same = ("run", "result", "started_at", "duration_seconds", "undo", "steps", "error")
    assert {key: story[key] for key in same} == {key: report[key] for key in same}
    assert story["subject"] == report["revision"]["subject"]
    assert story["by"] == report["revision"]["author"]
    assert (story["verdict"], story["reason"]) == (judgement["verdict"], judgement["reason"])
    assert story["rule"] == judgement["decision"]["rule"]
    assert story["rulings"] == judgement["decision"]["rulings"]
    stages = {"gate": judgement, "verify": restored or {"tallies": []}}
    tallies = [{"stage": stage, **one} for stage, judged in stages.items() for one in judged["tallies"]]
    assert sorted(story["tallies"], key=str) == sorted(tallies, key=str)
    assert story["restored"] == (restored and {key: restored[key] for key in ("verdict", "reason")})
    logs = {one["container"]: one["text"] for one in story["exhibits"] if one["kind"] == "log"}
    assert logs == report["excerpts"]
    gaps = {one["name"]: one["gap_seconds"] for one in story["gaps"]}
    services = report["services"]
    assert gaps == {one["name"]: one["gap_seconds"] for one in services if one["gap_seconds"] is not None}
    changes = [{key: one[key] for key in ("name", "from", "to")} for one in services if one["actions"]]
    assert story["changes"] == changes


def expect_git(origin: Origin, report: dict[str, Any], release: str, undo: str) -> None:
    """One commit, if any, and it says what the report says."""
    said = report["undo"]
    assert (said["state"] if said else "") == undo
    since = origin.git("rev-list", f"{release}..main").split()
    if undo != "done":
        assert since == []
        return
    assert since == [said["commit"]]
    trailers = origin.trailers(said["commit"])
    assert trailers["Reconcile-Environment"] == report["name"]
    assert trailers["Reconcile-Rollback-Of"] == said["release"] == release
    assert trailers["Reconcile-Reason"] == said["reason"] == report["judgement"]["reason"]
    assert trailers["Reconcile-Run"] == said["run"]
    assert [trailers["Reconcile-Blocked"]] == said["blocked"]
    assert [one["name"] for one in said["moves"]] == ["web"]


def expect_client(world: World, witness: Witness, stays: str, saw: tuple[str, ...]) -> None:
    """What answers at last is what the report says runs, and what Git pins."""
    tag = stays.partition(":")[2]
    assert world.images_of("web") == [tag or "-"]
    versions = [re.sub("^version=", "", text) for text in witness.versions]
    assert versions[-1:] == ([tag] if tag else [])
    assert not saw or versions == list(saw)
