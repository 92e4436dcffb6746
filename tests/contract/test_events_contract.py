"""What every source of events does, asked of the fake world and of a real engine."""

from __future__ import annotations

from reconciler.domain.triggers import Occurrence
from tests.bed.ears import following
from tests.contract.bench import Bench, Spec


def actions(heard: list[Occurrence], bench: Bench) -> list[str]:
    """What happened to containers of this project, in order."""
    return [occurrence.action for occurrence in heard if occurrence.project == bench.project]


def test_the_life_of_a_container_is_told_in_order(bench: Bench) -> None:
    bench.define(Spec())
    with following(bench.events) as ears:
        web = bench.create()
        bench.engine.start(web.id)
        bench.engine.stop(web.id, 1)
        bench.engine.remove(web.id)
        ears.wait_for(lambda heard: "destroy" in actions(heard, bench), "the container is destroyed")
    told = [action for action in actions(ears.heard, bench) if action != "kill"]
    assert told == ["create", "die", "stop", "destroy"]


def test_an_event_names_service_and_container(bench: Bench) -> None:
    bench.define(Spec())
    with following(bench.events) as ears:
        web = bench.create()
        ears.wait_for(lambda heard: actions(heard, bench), "the container is created")
    (created,) = (one for one in ears.heard if one.project == bench.project)
    assert (created.service, created.container, created.action) == ("web", web.name, "create")
    assert created.exit_code is None


def test_a_crash_has_its_exit_code(bench: Bench) -> None:
    bench.define(Spec())
    with following(bench.events) as ears:
        web = bench.create()
        bench.engine.start(web.id)
        bench.engine.stop(web.id, 1)
        ears.wait_for(lambda heard: "die" in actions(heard, bench), "the container ends")
    codes = [one.exit_code for one in ears.heard if one.project == bench.project and one.action == "die"]
    assert len(codes) == 1
    assert codes[0] is not None


def test_what_happened_before_is_not_told(bench: Bench) -> None:
    bench.define(Spec())
    web = bench.create()
    with following(bench.events) as ears:
        bench.engine.remove(web.id)
        ears.wait_for(lambda heard: actions(heard, bench), "the container is destroyed")
    assert actions(ears.heard, bench) == ["destroy"]


def test_a_stream_is_left_although_it_is_silent(bench: Bench) -> None:
    with following(bench.events) as ears:
        ears.leave()
    assert not actions(ears.heard, bench)
