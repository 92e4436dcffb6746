"""Daemons of two hosts, and CI on a third one, on one environment: one acts after the other."""

from __future__ import annotations

from tests.e2e.daemon import watching
from tests.e2e.origin import Origin
from tests.e2e.recorder import PROJECT, Recorder
from tests.e2e.together import CI, JOBS_END_WITH, staged, state, together
from tests.e2e.world import World

COMMITS = 12


def test_no_two_act_at_once_and_the_last_pins_run(world: World) -> None:
    staged(world)
    with together(world) as hosts:
        for _ in range(COMMITS):
            hosts.start_ci()
            hosts.commit()
            hosts.await_news()
        hosts.settle()
        assert not hosts.wrong()
        assert len({turn.who for turn in hosts.turns}) > 1
        assert {job.process.returncode for job in hosts.jobs} <= JOBS_END_WITH
    world.settle()


def test_a_release_of_ci_is_not_put_back_by_a_daemon_that_polls_later(world: World) -> None:
    """The newest commit wins: what looks like drift makes the daemon ask the remote first."""
    staged(world)
    origin = Origin.of(world)
    config, elsewhere = world.root / "watch.yaml", world.root / "elsewhere"
    url = f"file://{origin.bare}"
    config.write_text(f'version: 1\npoll: 1h\nrepository: {{url: "{url}", branch: main, path: state}}\n')
    elsewhere.mkdir()
    with (
        watching(world, "--config", str(config), folder=elsewhere) as daemon,
        Recorder(world.host) as recorder,
    ):
        origin.release(web="web:2")
        world.once(environ={"RECONCILE_STATE_DIR": str(state(world, CI))}).expect(0)
        daemon.await_said(f"main is at {origin.tip()[:7]}")
        daemon.await_said("synced", times=2)
        recorder.mark()
        started = [
            one.attributes["image"].partition("@")[0].rpartition(":")[2]
            for one in recorder.events
            if one.action == "start" and one.attributes.get(PROJECT) == world.project
        ]
        assert started == ["2"]
    assert world.images_of("web", "worker") == ["2", "1"]
