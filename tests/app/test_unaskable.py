"""A release whose checks cannot be asked at all: found out before anything is touched."""

from __future__ import annotations

import pytest

from reconciler.domain.check import Check, Http, Request
from reconciler.domain.environment import Environment, Gate
from reconciler.errors import Refused
from tests.app.scene import Scene
from tests.bed.fake_engine import Killed
from tests.bed.fake_outside import NO_EVIDENCE
from tests.domain.values import PROJECT, environment, svc


def needing_a_secret() -> Environment:
    header = ("Authorization", "Bearer ${TOKEN}")
    return environment(gate=Gate(30.0, 0.0, (Check("api", Http(Request("http://api/", headers=(header,)))),)))


def test_a_release_that_could_not_be_judged_is_not_begun() -> None:
    scene = Scene((svc("web"),)).up()
    scene.env = needing_a_secret()
    scene.release(web="2")
    with pytest.raises(Refused, match="check api needs TOKEN"):
        scene.once()
    assert scene.did == []
    scene.probe.secrets.add("TOKEN")
    scene.once()
    assert scene.running() == "web-1=2"


def test_what_crashed_serves_again_although_its_release_is_not_begun() -> None:
    scene = Scene((svc("web"),)).up()
    scene.env = needing_a_secret()
    scene.release(web="2")
    scene.world.named(f"{PROJECT}-web-1").end(1, by_hand=True)
    with pytest.raises(Refused):
        scene.once()
    assert scene.running() == "web-1=1"


def test_what_a_killed_pass_had_switched_does_not_go_on_unjudged() -> None:
    scene = Scene((svc("web"),)).up()
    scene.release(web="2")
    scene.world.die_at(9, after=True)
    with pytest.raises(Killed):
        scene.once()
    scene.world.revive()
    assert scene.there() == "web-1=2 [web-1.predecessor=1]"
    scene.env = needing_a_secret()
    scene.probe.answers["http://api/"] = lambda _: NO_EVIDENCE
    outcome = scene.once()
    assert outcome is not None
    assert scene.running() == "web-1=1"
    assert scene.leftovers() == []


def test_a_repair_is_made_all_the_same() -> None:
    scene = Scene((svc("web"), svc("db"))).up()
    scene.env = needing_a_secret()
    scene.world.named(f"{PROJECT}-web-1").end(1, by_hand=True)
    scene.once()
    assert scene.running() == "db-1=1 web-1=1"
