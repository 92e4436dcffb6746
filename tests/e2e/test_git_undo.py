"""A release that its gate rejects is undone in Git by one commit for exactly its pins, and pushed."""

from __future__ import annotations

import re

from tests.e2e.origin import PINS, Origin, settled
from tests.e2e.witness import Witness
from tests.e2e.world import World


def test_a_rejected_release_is_undone_by_one_commit_with_its_trailers(world: World) -> None:
    origin = settled(world)
    good = world.pins["web"]
    release = origin.release(web="web:crash")
    bad = world.pins["web"]
    with Witness(world, world.url) as witness:
        result = world.once().expect(10)
        witness.expect_undone(origin.bare, release)
    undo = result.environment["undo"]
    print(result.stdout, result.stderr, origin.git("log", "--stat", "-3"))
    assert 0
