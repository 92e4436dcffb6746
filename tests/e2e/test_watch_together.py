"""Daemons of two hosts, and CI on a third one, on one environment: one acts after the other."""

from __future__ import annotations

from tests.e2e.together import JOBS_END_WITH, staged, together
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
