"""What a look tells beside the plan, from the journal."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.domain.journal import Observation
from reconciler.interface.cli.look import looked
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.domain.values import svc


@pytest.mark.parametrize(("seconds", "shown"), [(60.0, True), (0.0, False), (-60.0, False)])
def test_an_observation_is_shown_while_it_lasts(seconds: float, shown: bool) -> None:
    """Whoever observed may have been killed: what should have ended is not told as going on."""
    passes = Passes(Scene((svc("web"),))).up()
    until = passes.scene.clock.now() + timedelta(seconds=seconds)
    observation = Observation("01K6XR3F9Q", passes.repository.head().commit, until)
    passes.journal.observe(passes.scene.env, observation)
    (found,) = looked([passes.reconciler])
    assert found.status.observation == (observation if shown else None)
