"""Passes over what takes every kind of step, from Git to the host, and what must be true in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.domain.data import Data, Hook, HookFailure, Moment
from reconciler.domain.image import ImageRef
from reconciler.domain.report import Verb
from tests.app import test_crashes as releases
from tests.app.crashes import CASES, Rejected, all_well
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.app.test_crashes import BROKEN, DATA, DONE, STORIES, Story
from tests.domain.values import environment, svc

SIDES = ("before", "after")
ELSEWHERE = (Verb.BACKUP,)
"""Steps of data, which have scenarios of their own: tests/app/test_restore_killed.py."""
FAILPOINTS = [f"step.{verb}:{side}" for verb in Verb if verb not in ELSEWHERE for side in SIDES]


@dataclass(frozen=True)
class Scenario:
    """``stage`` makes it so that one pass has something to do; ``well`` sees what the last one left."""

    stage: Callable[[], Passes]
    well: Callable[[Passes], None]


def released(story: Story) -> Passes:
    """A story as whole passes make it; the images of its release have to be pulled."""
    scene = Scene(story.services, env=environment(prune=story.prune))
    for service in (*story.services, *(story.release or ())):
        for version in "12":
            bad = version == "2" and service.name in story.broken
            scene.behave(service.name, version, BROKEN if bad else DONE if service.one_shot else DATA)
    passes = Passes(scene)
    if story.services:
        passes.up()
    story.happens(scene)
    if story.release is not None:
        scene.define(*story.release)
        scene.world.local -= {ImageRef.parse(service.image).by_digest for service in story.release}
        passes.commit("The release")
    return passes


def _released(story: Story) -> Scenario:
    return Scenario(lambda: released(story), lambda passes: releases.all_well(passes.scene, story))


def _rejected(case: Rejected) -> Scenario:
    return Scenario(case.stage, lambda passes: all_well(passes, case))


def with_hooks() -> Passes:
    """A release that is told to a command before and after it."""
    hooks = (
        Hook(Moment.BEFORE_RELEASE, ("dump",), "web"),
        Hook(Moment.AFTER_RELEASE, ("warm",), "web", failure=HookFailure.NOTE),
    )
    passes = Passes(Scene((svc("web"),), env=environment(data=Data(hooks=hooks)))).up()
    passes.release(web="2")
    return passes


def _well_with_hooks(passes: Passes) -> None:
    assert passes.scene.there() == "web-1=2"


RELEASES = (
    "a new image",
    "start-first",
    "replicas",
    "fewer of them",
    "first deploy",
    "joined, all stopped",
    "restart: true",
    "prune",
    "one-shot",
    "broken, joins",
)
REJECTIONS = ("one", "start-first", "a check", "for review")
SCENARIOS = {
    **{name: _released(STORIES[name]) for name in RELEASES},
    **{f"rejected, {name}": _rejected(CASES[name]) for name in REJECTIONS},
    "with hooks": Scenario(with_hooks, _well_with_hooks),
}
