"""Whether a daemon is there: for whoever cannot ask systemd."""

from __future__ import annotations

from tests.e2e.daemon import watching
from tests.e2e.world import World


def test_a_daemon_is_alive_until_it_ends(common_world: World) -> None:
    with watching(common_world) as daemon:
        assert common_world.reconcile("watch", "--alive").expect(0).stdout.startswith("alive")
        common_world.reconcile("watch", "--alive", "production").expect(1)
        daemon.end().expect(143)
    assert "no sign of life" in common_world.reconcile("watch", "--alive").expect(1).stderr


def test_it_is_asked_from_anywhere_and_for_the_same_environments(common_world: World) -> None:
    with watching(common_world, "production"):
        for asked in (("-e", "production", "watch", "--alive"), ("watch", "production", "--alive")):
            common_world.reconcile(*asked, folder=common_world.root).expect(0)
        common_world.reconcile("watch", "--alive").expect(1)


def test_it_says_that_it_stops_before_it_ends(common_world: World) -> None:
    with watching(common_world) as daemon:
        daemon.end().expect(143)
        assert "what is in hand is finished, or undone" in daemon.said
