"""A release that was made before this program began is observed for as long as there is time left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.app.observation import releases, resume
from reconciler.domain.report import Result
from tests.app.observations import Story
from tests.bed.fake_outside import BAD, GOOD
from tests.domain.values import PROJECT

LONGEST = 120.0


def released() -> Story:
    """Version 2 of web was released by a program that is gone."""
    return Story().released()


def test_what_fails_after_the_restart_is_taken_back() -> None:
    story = released()
    story.answers(lambda: BAD if story.at(20.0) and "web-1=2" in story.scene.running() else GOOD)
    found = resume(story.passes.reconciler)
    assert found is not None
    assert found.report is not None
    assert found.report.result is Result.ROLLED_BACK
    assert story.scene.running() == "api-1=1 web-1=1"


def test_only_what_is_left_of_the_time_is_observed() -> None:
    story = released()
    story.scene.clock.passed += LONGEST - 30.0
    began = story.scene.clock.passed
    assert resume(story.passes.reconciler) is not None
    assert story.scene.clock.passed - began <= 31.0


def test_nothing_is_observed_when_the_time_is_over() -> None:
    story = released()
    story.scene.clock.passed += LONGEST + 1.0
    assert resume(story.passes.reconciler) is None


def test_a_clock_that_was_set_back_observes_no_longer_than_the_matrix_says() -> None:
    story = released()
    reconciler = story.passes.reconciler
    run = story.passes.journal.runs(reconciler.environment)[0]
    told = story.passes.journal.stories[run.id]
    story.passes.journal.stories[run.id] = replace(
        told, run=replace(run, started_at=run.started_at.replace(year=run.started_at.year + 1))
    )
    began = story.scene.clock.passed
    assert resume(reconciler) is not None
    assert story.scene.clock.passed - began <= LONGEST + 2.0


def test_a_repair_since_then_changes_nothing() -> None:
    story = released()
    story.scene.world.vanish(f"{PROJECT}-api-1")
    repaired = story.passes.once()
    assert repaired.result is Result.CONVERGED
    assert not releases(repaired)
    assert resume(story.passes.reconciler) is not None


@pytest.mark.parametrize("version", ["1", "3"])
def test_another_pin_since_then_ends_it(version: str) -> None:
    story = released()
    story.passes.release(web=version)
    assert resume(story.passes.reconciler) is None


def test_a_rejected_release_is_not_observed() -> None:
    story = Story()
    story.answers(lambda: BAD if "web-1=2" in story.scene.running() else GOOD)
    story.passes.release(web="2")
    assert story.passes.once().result is Result.ROLLED_BACK
    assert resume(story.passes.reconciler) is None
