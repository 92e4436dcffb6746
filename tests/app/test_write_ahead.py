"""What a pass does to a host is in the journal before it is done."""

from __future__ import annotations

import pytest

from tests.app.crashes import CASES, Rejected, killed_at
from tests.app.failpoints import released
from tests.app.passes import Passes
from tests.app.test_crashes import STORIES, Story
from tests.bed.fake_engine import Killed

CHANGES = (
    "pull",
    "create",
    "create_templates",
    "succeed",
    "rename",
    "set_restart_policy",
    "start",
    "stop",
    "remove",
)
"""All but tags: they only protect images, and take nothing away."""


def unannounced(passes: Passes) -> list[str]:
    """One pass: the changes that were made on the host while the journal showed no step under way."""
    found: list[str] = []
    made: list[str] = []

    def look(method: str) -> bool:
        story = next(reversed(passes.journal.stories.values()))
        made.append(method)
        if all(step.finished for step in story.steps):
            found.append(method)
        return False

    for method in CHANGES:
        passes.scene.world.fail(method, error=Killed(), matching=lambda *_, method=method: look(method))
    passes.once()
    assert made
    return found


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_a_release_changes_nothing_outside_of_a_step(story: Story) -> None:
    assert unannounced(released(story)) == []


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_rejection_changes_nothing_outside_of_a_step(case: Rejected) -> None:
    assert unannounced(case.stage()) == []


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_recovery_changes_nothing_outside_of_a_step(story: Story) -> None:
    """Whatever change the pass before was killed at."""
    call = 1
    while killed_at(passes := released(story), call, after=False):
        if not passes.reconciler.look().plan.empty:
            assert unannounced(passes) == []
        call += 1
    assert call > 1
