"""Security checklist, row 23: what was verified is what is created, whatever happens in between."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from reconciler.domain.report import Result, Step
from reconciler.errors import Stale
from tests.e2e.world import World
from tests.faults.inside import inside


def rewrite_pins(world: World) -> None:
    """Another image, not committed."""
    text = json.dumps({"services": {"web": {"image": world.images.pinned("web:2")}}})
    world.pins_file.write_text(text)


def rewrite_compose(world: World) -> None:
    """Another definition of the same image, not committed."""
    world.write("docker-compose.yml", "services: {web: {image: web, environment: {WHO: intruder}}}")


UNCERTAIN = "env_file: [{path: '${NOWHERE:-no}.env', required: false}]"
"""Nobody can tell from outside whether this model has changed; what was created still can be looked at."""


@pytest.mark.parametrize("running", [True, False], ids=["release", "first-deploy"])
@pytest.mark.parametrize(
    ("rewrite", "more"),
    [(rewrite_pins, ""), (rewrite_compose, ""), (rewrite_pins, UNCERTAIN)],
    ids=["pins", "compose", "pins-of-an-uncertain-model"],
)
def test_row_23_files_that_change_between_check_and_create(
    world: World, rewrite: Callable[[World], None], more: str, running: bool
) -> None:
    world.images.pinned("web:2")
    world.stack(f"services: {{web: {{image: web, {more}}}}}", web="web:1")
    if running:
        world.once().expect(0)
    before = world.marks()
    world.release(web=f"{world.images.registry.address}/{world.images.elsewhere('web:1')}")

    def change(step: Step) -> None:
        if step.verb == "pull":
            rewrite(world)

    with inside(world, progress=change) as reconciler:
        report = reconciler.run_once()
    assert report.result is Result.FAILED
    assert isinstance(report.error, Stale), report.error
    assert world.marks() == before
    world.expect_no_leftovers()
