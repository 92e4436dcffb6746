"""An index is filled again by a service on a real engine, with the double of the search server."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.bed.meilisearch import MeiliDouble
from tests.bed.tools import wait_until
from tests.e2e.world import World


def searching(world: World, double: MeiliDouble, **rebuild: object) -> None:
    world.variables["MEILI_KEY"] = double.key
    search = {"url": double.url, "key": "${MEILI_KEY}", "indexes": ["customers"], "rebuild": rebuild}
    world.settings["data"] = {"search": {"meilisearch": search}}


def test_an_index_is_filled_by_a_restarted_service_and_then_by_a_command(world: World) -> None:
    with MeiliDouble() as double:
        double.fill("customers", 3)
        searching(world, double, restart="web")
        compose = "services: {web: {image: web, stop_grace_period: 1s}, worker: {image: web}}"
        world.stack(compose, web="web:1", worker="web:1")
        world.once().expect(0)
        before = {name: world.container(name) for name in ("web", "worker")}

        def application() -> None:
            """What a backend does that finds no index when it starts."""
            there = before["web"].started_at
            again = "the service is started again"
            wait_until(lambda: world.container("web").started_at != there, seconds=60, what=again)
            assert double.count("customers") is None
            double.add("customers", range(4))

        with ThreadPoolExecutor(1) as pool:
            filling = pool.submit(application)
            result = world.reconcile("-o", "json", "reindex", "production").expect(0)
            filling.result()
        (index,) = result.environment["indexes"]
        assert (index["documents"], index["documents_before"]) == (4, 3)
        assert double.key not in result.said
        assert world.container("web").id == before["web"].id
        assert world.container("worker").mark == before["worker"].mark

        commanded(world, double)
        world.settle()


def commanded(world: World, double: MeiliDouble) -> None:
    """The double fills the index once what an earlier run may have left is gone; the command only runs."""
    delete = double._delete

    def filled(index: str) -> None:
        double.add(index, range(5))
        delete(index)

    double._delete = filled  # type: ignore[method-assign]
    searching(world, double, service="web", command=["sleep", "0.1"])
    world.commit()
    before = world.marks()
    result = world.reconcile("-o", "json", "reindex", "production").expect(0)
    (index,) = result.environment["indexes"]
    assert (index["documents"], index["documents_before"]) == (5, 4)
    assert double.count(index["displaced"]) == 4
    assert double.key not in result.said
    assert world.marks() == before
