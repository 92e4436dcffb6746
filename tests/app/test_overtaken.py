"""Somebody else released a commit that is not known here yet: that is no drift."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.domain.report import Report, Result
from reconciler.errors import Stale
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.app.test_observing_ends import cloned
from tests.bed.fake_journal import FakeJournal
from tests.domain.values import svc


class Remote:
    """Says that Git moved on, and counts how often it was asked."""

    def __init__(self, says: str = "") -> None:
        self.says = says
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        return self.says


def stage() -> Passes:
    return Passes(Scene((svc("api"), svc("web")))).up()


def released_elsewhere(passes: Passes, *, host: bool = True) -> None:
    """CI released version 2 of web from a clone of its own, on another host or on ours."""
    other = cloned(passes)
    if host:
        other.journal = FakeJournal()
    other.release(web="2")
    assert other.once().result is Result.CONVERGED
    passes.scene.world.pins = {s.name: s.image for s in passes.scene.services}
    passes.scene.world.calls.clear()


def once(passes: Passes, remote: Remote) -> Report:
    return replace(passes.reconciler, overtaken=remote).run_once()


@pytest.mark.parametrize("host", [True, False], ids=["another host", "the same host"])
def test_what_a_newer_commit_released_is_not_taken_back(host: bool) -> None:
    passes = stage()
    released_elsewhere(passes, host=host)
    report = once(passes, Remote("main is at 2222222 by now"))
    assert isinstance(report.error, Stale)
    assert "main is at 2222222 by now" in report.error.problem
    assert passes.scene.there() == "api-1=1 web-1=2"
    assert passes.scene.did == []


def test_where_nothing_is_newer_drift_is_put_right() -> None:
    passes = stage()
    released_elsewhere(passes)
    assert once(passes, Remote()).result is Result.CONVERGED
    assert passes.scene.there() == "api-1=1 web-1=1"


def test_repairs_and_releases_ask_nobody() -> None:
    passes, remote = stage(), Remote("main is at 2222222 by now")
    passes.scene.world.named("shop-api-1").end(1)
    assert once(passes, remote).result is Result.CONVERGED
    passes.release(web="2")
    assert once(passes, remote).result is Result.CONVERGED
    assert once(passes, remote).result is Result.NO_OP
    assert remote.asked == 0
