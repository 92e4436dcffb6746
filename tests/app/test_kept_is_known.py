"""Killed around its last steps, a release that was kept is known to be good all the same."""

from __future__ import annotations

import pytest

from tests.app.crashes import killed_at, killed_writing, settled
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.domain.values import svc


def released() -> Passes:
    """Version 2 is to follow version 1, which followed version 2: all of them passed before."""
    passes = Passes(Scene((svc("db"), svc("web", needs=["db"])))).up()
    for version in ("2", "1"):
        passes.release(db=version, web=version)
        passes.once()
    passes.release(db="2", web="2")
    return passes


def known(passes: Passes) -> dict[str, str]:
    """By service, the tag of what was good last."""
    goods = reversed(passes.journal.good(passes.scene.env))
    return {good.service: good.image.partition("@")[0].rpartition(":")[2] for good in goods}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_write_what_runs_is_known_to_be_good(after: bool) -> None:
    at = 1
    while killed_writing(passes := released(), at, after=after):
        settled(passes)
        assert passes.scene.running() == "db-1=2 web-1=2"
        assert known(passes) == {"db": "2", "web": "2"}, f"killed at write {at}"
        at += 1
    assert at > 10


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_change_what_runs_is_known_to_be_good(after: bool) -> None:
    at = 1
    while killed_at(passes := released(), at, after=after):
        settled(passes)
        assert known(passes) == {"db": "2", "web": "2"}, f"killed at change {at}"
        at += 1
    assert at > 10
