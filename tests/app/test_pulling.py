"""Told to end while images are pulled: nothing was touched yet, and nobody waits for the rest."""

from __future__ import annotations

import pytest

from reconciler.errors import Stale
from tests.app.scene import Scene
from tests.domain.values import image, svc


def test_an_interruption_ends_a_pull_and_touches_nothing() -> None:
    scene = Scene((svc("web"),)).up()
    scene.world.pins["web"] = image("web", "2")  # not on the host yet
    scene.interrupted = lambda: True
    with pytest.raises(Stale, match="before anything was switched"):
        scene.once()
    assert scene.running() == "web-1=1"
    assert [call.split()[0] for call in scene.did] == ["tag", "pull"]
