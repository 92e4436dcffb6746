"""Five witnesses of one pass: exit code, report, journal, Git and a client. They say the same."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.gated import gated
from tests.e2e.origin import Origin
from tests.e2e.prober import Prober
from tests.e2e.world import World, await_answer

CODES = {"converged": 0, "rolled-back": 10, "rollback-failed": 11}
HEALTH = {"http": {"url": "{url}/health"}}
LATENCY = {"latency": {"of": "web", "samples": 8}}
LOGIN = {
    "flow": [
        {
            "post": "{url}/api/v1/auth/login",
            "json": {"email": "probe@example.org", "password": "${{PROBE_PASSWORD}}"},
            "capture": {"token": "access_token"},
        },
        {"get": "{url}/api/v1/customers", "headers": {"Authorization": "Bearer ${{token}}"}},
    ]
}
CASES: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "good": ("web:1", "web:2", {"web": HEALTH}, "converged"),
    "crash": ("web:1", "web:crash", {}, "rolled-back"),
    "unhealthy": ("health:1", "health:broken", {}, "rolled-back"),
    "500": ("web:1", "web:broken", {"web": HEALTH}, "rolled-back"),
    "slow": ("web:slow0", "web:slow60", {"web": HEALTH, "latency": LATENCY}, "rolled-back"),
    "no-login": ("web:1", "web:nologin", {"sign-in": LOGIN}, "rolled-back"),
    "medium": ("web:1", "web:broken", {"web": HEALTH | {"severity": "medium"}}, "converged"),
}


@pytest.mark.parametrize("case", CASES)
def test_exit_code_report_journal_git_and_client_agree(world: World, case: str) -> None:
    before, after, checks, expected = CASES[case]
    origin = gated(world, web=before)
    world.variables["PROBE_PASSWORD"] = "right"
    for name, check in checks.items():
        world.check(name, filled(check, world.url))
    origin.release()  # the checks are a commit of their own
    world.once().expect(0)
    release = origin.release(web=after)
    with Prober(world.url) as prober:
        result = world.once()
        report = result.environment
        stays = after if expected == "converged" else before
        await_answer(world.url, f"version={stays.partition(':')[2]}")
    story = world.reconcile("history", "show", report["run"], "-o", "json").expect(0).environment["story"]

    assert report["result"] == expected, result.said
    assert result.code == report["exit_code"] == CODES[expected]
    assert (story["result"], story["run"]) == (report["result"], report["run"])
    assert story["reason"] == report["judgement"]["reason"]
    assert story["rule"] == report["judgement"]["decision"]["rule"]
    assert prober.versions[-1] == f"version={stays.partition(':')[2]}"
    running = world.images.pinned(stays).partition("@")[2]
    assert origin.pins()["web"].partition("@")[2] == running
    if expected == "converged":
        assert (origin.tip(), report["undo"], story["undo"]) == (release, None, None)
        return
    assert origin.tip() != release
    assert origin.git("rev-list", "--count", f"{release}..main") == "1"
    told = trailers(origin)
    assert told["Reconcile-Run"] == report["run"]
    assert told["Reconcile-Rollback-Of"] == release
    assert told["Reconcile-Environment"] == "production"
    assert told["Reconcile-Reason"] == report["judgement"]["reason"]
    assert world.images.pinned(after) in told["Reconcile-Blocked"]
    assert story["undo"]["commit"] == report["undo"]["commit"] == origin.tip()
    assert (story["undo"]["state"], report["undo"]["state"]) == ("done", "done")


def filled(check: Any, url: str) -> Any:
    """The same with the world's address in it."""
    if isinstance(check, dict):
        return {name: filled(value, url) for name, value in check.items()}
    if isinstance(check, list):
        return [filled(value, url) for value in check]
    return check.format(url=url) if isinstance(check, str) else check


def trailers(origin: Origin) -> dict[str, str]:
    """The trailers of the newest commit on the remote."""
    text = origin.git("log", "-1", "--format=%(trailers:only,unfold)", "main")
    return dict(line.partition(": ")[::2] for line in text.splitlines() if line)
