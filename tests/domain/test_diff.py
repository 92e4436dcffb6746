"""What Git wants, what runs, what is to be done: each scenario is a picture of the three."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.domain.desired import Dependency, Order, Service
from reconciler.domain.environment import Unpinned
from reconciler.domain.observed import Health, Instance, State
from reconciler.domain.plan import Change
from tests.domain.values import box, config_hash, environment, image_id, once, planned, svc

Scenario = tuple[list[Service], list[Instance], str]

NOTHING = "No changes."

RELEASES: dict[str, Scenario] = {
    "first deploy, dependencies first": (
        [svc("web", needs=["db"]), svc("db")],
        [],
        "create db x1: it is not there yet\ncreate web x1: it is not there yet",
    ),
    "in sync": ([svc("web"), svc("db")], [box("web-1"), box("db-1")], NOTHING),
    "a health check that fails is the gate's business": (
        [svc("web")],
        [box("web-1", health=Health.UNHEALTHY)],
        NOTHING,
    ),
    "a new image": ([svc("web", "2")], [box("web-1")], "replace web (web-1): 1 → 2"),
    "the image before: a revert is a release": (
        [svc("web")],
        [box("web-1", "2")],
        "replace web (web-1): 2 → 1",
    ),
    "a new definition": (
        [svc("web", definition="more memory")],
        [box("web-1")],
        "replace web (web-1): its definition changed",
    ),
    "only what changed": (
        [svc("web", "2"), svc("db"), svc("cache")],
        [box("web-1"), box("db-1"), box("cache-1")],
        "replace web (web-1): 1 → 2",
    ),
    "two at once, dependencies first": (
        [svc("api", "2", needs=["db"]), svc("db", "2")],
        [box("api-1"), box("db-1")],
        "replace db (db-1): 1 → 2\nreplace api (api-1): 1 → 2",
    ),
    "container_name": (
        [svc("web", "2", container_name="shop")],
        [box("shop", service="web")],
        "replace web (shop): 1 → 2",
    ),
    "start-first is the same plan": (
        [svc("web", "2", order=Order.START_FIRST)],
        [box("web-1")],
        "replace web (web-1): 1 → 2",
    ),
}

DRIFT: dict[str, Scenario] = {
    "exited": (
        [svc("web")],
        [box("web-1", state=State.EXITED, exit_code=137)],
        "start web (web-1): exited with 137",
    ),
    "stopped by hand": (
        [svc("web")],
        [box("web-1", state=State.EXITED)],
        "start web (web-1): exited with 0",
    ),
    "paused": ([svc("web")], [box("web-1", state=State.PAUSED)], "start web (web-1): paused"),
    "created": (
        [svc("web")],
        [box("web-1", state=State.CREATED)],
        "start web (web-1): created but never started",
    ),
    "restarting is the engine's business": ([svc("web")], [box("web-1", state=State.RESTARTING)], NOTHING),
    "dead": (
        [svc("web")],
        [box("web-1", state=State.DEAD)],
        "replace web (web-1): the engine calls it dead",
    ),
    "being removed, so as good as gone": (
        [svc("web")],
        [box("web-1", state=State.REMOVING)],
        "create web x1: it is not there yet",
    ),
    "made by hand: the labels lie": (
        [svc("web")],
        [box("web-1", made_from=image_id("another"))],
        "replace web (web-1): made by hand from another image than its labels say",
    ),
    "wrong image and wrong labels": (
        [svc("web")],
        [box("web-1", "9")],
        "replace web (web-1): 9 → 1",
    ),
    "one of two replicas is gone": (
        [svc("web", replicas=2)],
        [box("web-2")],
        "create web x1: 1 of 2 containers are there",
    ),
    "one of two replicas stands": (
        [svc("web", replicas=2)],
        [box("web-1"), box("web-2", state=State.EXITED, exit_code=1)],
        "start web (web-2): exited with 1",
    ),
}

REPLICAS: dict[str, Scenario] = {
    "up": ([svc("web", replicas=3)], [box("web-1")], "create web x2: 1 of 3 containers are there"),
    "down": (
        [svc("web", replicas=1)],
        [box("web-1"), box("web-2"), box("web-3")],
        "remove web (web-2, web-3): 3 containers, 1 wanted",
    ),
    "down, and the one that runs stays": (
        [svc("web", replicas=1)],
        [box("web-1", state=State.EXITED, exit_code=1), box("web-2")],
        "remove web (web-1): 2 containers, 1 wanted",
    ),
    "to none": ([svc("web", replicas=0)], [box("web-1")], "remove web (web-1): scaled to 0"),
    "none and none": ([svc("web", replicas=0)], [], NOTHING),
    "up with a new image": (
        [svc("web", "2", replicas=2)],
        [box("web-1")],
        "replace web (web-1): 1 → 2",
    ),
    "half replaced": (
        [svc("web", "2", replicas=2)],
        [box("web-1", "2"), box("web-2")],
        "replace web (web-2) onto web-1: 1 → 2",
    ),
}

ONE_SHOTS: dict[str, Scenario] = {
    "done": ([svc("migrate", one_shot=True)], [box("migrate-1", state=State.EXITED)], NOTHING),
    "failed": (
        [svc("migrate", one_shot=True)],
        [box("migrate-1", state=State.EXITED, exit_code=3)],
        "start migrate (migrate-1): exited with 3",
    ),
    "at it": ([svc("migrate", one_shot=True)], [box("migrate-1")], NOTHING),
    "new image, before what waits for it": (
        [svc("migrate", "2", one_shot=True), svc("api", "2", needs=[once("migrate")])],
        [box("migrate-1", state=State.EXITED), box("api-1")],
        "replace migrate (migrate-1): 1 → 2\nreplace api (api-1): 1 → 2",
    ),
}

JOINS: dict[str, Scenario] = {
    "in sync": (
        [svc("vpn"), svc("app", network_of="vpn")],
        [box("vpn-1"), box("app-1", network_of="id-vpn-1")],
        NOTHING,
    ),
    "replaced together": (
        [svc("vpn", "2"), svc("app", network_of="vpn")],
        [box("vpn-1"), box("app-1", network_of="id-vpn-1")],
        "replace vpn (vpn-1): 1 → 2\nreplace app (app-1): shares what vpn has, and vpn is replaced",
    ),
    "a chain": (
        [svc("vpn", "2"), svc("app", network_of="vpn"), svc("log", network_of="app")],
        [box("vpn-1"), box("app-1", network_of="id-vpn-1"), box("log-1", network_of="id-app-1")],
        (
            "replace vpn (vpn-1): 1 → 2\n"
            "replace app (app-1): shares what vpn has, and vpn is replaced\n"
            "replace log (log-1): shares what app has, and app is replaced"
        ),
    ),
    "both have new images": (
        [svc("vpn", "2"), svc("app", "2", network_of="vpn")],
        [box("vpn-1"), box("app-1", network_of="id-vpn-1")],
        "replace vpn (vpn-1): 1 → 2\nreplace app (app-1): 1 → 2",
    ),
    "only the one that joins": (
        [svc("vpn"), svc("app", "2", network_of="vpn")],
        [box("vpn-1"), box("app-1", network_of="id-vpn-1")],
        "replace app (app-1): 1 → 2",
    ),
    "started again": (
        [svc("vpn"), svc("app", network_of="vpn")],
        [box("vpn-1", state=State.EXITED, exit_code=1), box("app-1", network_of="id-vpn-1")],
        (
            "start vpn (vpn-1): exited with 1\n"
            "restart app (app-1): shares what vpn has, and vpn is started again"
        ),
    ),
    "started again, and paused": (
        [svc("vpn"), svc("app", network_of="vpn")],
        [
            box("vpn-1", state=State.EXITED, exit_code=1),
            box("app-1", state=State.PAUSED, network_of="id-vpn-1"),
        ],
        (
            "start vpn (vpn-1): exited with 1\n"
            "restart app (app-1): shares what vpn has, and vpn is started again"
        ),
    ),
    "both stand: one start each": (
        [svc("vpn"), svc("app", network_of="vpn")],
        [
            box("vpn-1", state=State.EXITED, exit_code=1),
            box("app-1", state=State.EXITED, exit_code=1, network_of="id-vpn-1"),
        ],
        "start vpn (vpn-1): exited with 1\nstart app (app-1): exited with 1",
    ),
    "what was joined is gone": (
        [svc("vpn"), svc("app", network_of="vpn")],
        [box("app-1", network_of="id-vpn-1")],
        "create vpn x1: it is not there yet\nreplace app (app-1): shares what vpn has, and vpn is replaced",
    ),
    "joined to one that nothing wants": (
        [svc("vpn"), svc("app", network_of="vpn")],
        [box("vpn-1"), box("app-1", network_of="id-of-another")],
        "replace app (app-1): what it joined is not there any more",
    ),
    "depends_on with restart: true": (
        [svc("db", "2"), svc("api", needs=[Dependency("db", restart=True)])],
        [box("db-1"), box("api-1")],
        "replace db (db-1): 1 → 2\nrestart api (api-1): depends on db with restart: true",
    ),
    "depends_on without": (
        [svc("db", "2"), svc("api", needs=["db"])],
        [box("db-1"), box("api-1")],
        "replace db (db-1): 1 → 2",
    ),
    "restart: true and nothing replaced": (
        [svc("db"), svc("api", needs=[Dependency("db", restart=True)])],
        [box("db-1"), box("api-1")],
        NOTHING,
    ),
}

INTERRUPTED: dict[str, Scenario] = {
    "the template is left": (
        [svc("web")],
        [box("web-1"), box("web-2", "2", State.CREATED, template=True)],
        "remove web (web-2): left over by an interrupted pass",
    ),
    "template and release": (
        [svc("web", "2")],
        [box("web-1"), box("web-2", "2", State.CREATED, template=True)],
        "replace web (web-1): 1 → 2\nremove web (web-2): left over by an interrupted pass",
    ),
    "the successor is created": (
        [svc("web", "2")],
        [box("web-1"), box("web-1.successor", "2", State.CREATED)],
        "replace web (web-1) onto web-1.successor: 1 → 2",
    ),
    "the predecessor is renamed": (
        [svc("web", "2")],
        [box("web-1.predecessor"), box("web-1.successor", "2", State.CREATED)],
        "replace web (web-1.predecessor) onto web-1.successor: 1 → 2",
    ),
    "both are renamed": (
        [svc("web", "2")],
        [box("web-1.predecessor"), box("web-1", "2", State.CREATED)],
        "replace web (web-1.predecessor) onto web-1: 1 → 2",
    ),
    "the predecessor is stopped": (
        [svc("web", "2")],
        [box("web-1.predecessor", "1", State.EXITED), box("web-1", "2", State.CREATED)],
        "replace web (web-1.predecessor) onto web-1: 1 → 2",
    ),
    "the successor runs, and was never judged": (
        [svc("web", "2")],
        [box("web-1.predecessor", "1", State.EXITED), box("web-1", "2")],
        "replace web (web-1.predecessor) onto web-1: switched by an interrupted pass and never judged",
    ),
    "a start-first successor runs beside its predecessor": (
        [svc("web", "2", order=Order.START_FIRST)],
        [box("web-1"), box("web-1.successor", "2")],
        "replace web (web-1) onto web-1.successor: 1 → 2",
    ),
    "judged, and one of two predecessors is gone": (
        [svc("web", "2", replicas=2)],
        [box("web-1", "2"), box("web-2", "2"), box("web-2.predecessor", "1", State.EXITED)],
        "replace web (web-2.predecessor) onto web-1, web-2: switched by an interrupted pass and never judged",
    ),
    "the predecessor vanished: the successor is all there is": (
        [svc("web", "2")],
        [box("web-1.successor", "2")],
        "start web (web-1.successor): left under its temporary name by an interrupted pass",
    ),
    "the same, and it was never started": (
        [svc("web", "2")],
        [box("web-1.successor", "2", State.CREATED)],
        "start web (web-1.successor): created but never started",
    ),
    "going back: the predecessor runs under its retired name": (
        [svc("web", "2")],
        [box("web-1.predecessor"), box("web-1.successor", "2", State.EXITED)],
        "replace web (web-1.predecessor) onto web-1.successor: 1 → 2",
    ),
    "went back: the rejected one is left over, and Git went back too": (
        [svc("web")],
        [box("web-1"), box("web-1.successor", "2", State.EXITED)],
        "remove web (web-1.successor): left over by an interrupted pass",
    ),
    "reverted while unjudged: the predecessor is what Git wants": (
        [svc("web")],
        [box("web-1.predecessor", "1", State.EXITED), box("web-1", "2")],
        "replace web (web-1) onto web-1.predecessor: 2 → 1",
    ),
    "replaced by one as right, for what it joined": (
        [svc("web")],
        [box("web-1.predecessor"), box("web-1", state=State.CREATED)],
        "replace web (web-1.predecessor) onto web-1: an interrupted pass was replacing it",
    ),
    "to be replaced by one as right": (
        [svc("web")],
        [box("web-1"), box("web-1.successor", state=State.CREATED)],
        "remove web (web-1.successor): left over by an interrupted pass",
    ),
    "a third release while the second was unjudged": (
        [svc("web", "3")],
        [box("web-1.predecessor", "1", State.EXITED), box("web-1", "2")],
        "replace web (web-1, web-1.predecessor): 2 → 3",
    ),
}

TABLE = RELEASES | DRIFT | REPLICAS | ONE_SHOTS | JOINS | INTERRUPTED


def _table(scenarios: dict[str, Scenario]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("services", "instances", "text"), scenarios.values(), ids=scenarios.keys()
    )


@_table(RELEASES)
def test_a_release(services: list[Service], instances: list[Instance], text: str) -> None:
    assert str(planned(services, instances)) == text


@_table(DRIFT)
def test_drift(services: list[Service], instances: list[Instance], text: str) -> None:
    assert str(planned(services, instances)) == text


@_table(REPLICAS)
def test_replicas(services: list[Service], instances: list[Instance], text: str) -> None:
    assert str(planned(services, instances)) == text


@_table(ONE_SHOTS)
def test_one_shots(services: list[Service], instances: list[Instance], text: str) -> None:
    assert str(planned(services, instances)) == text


@_table(JOINS)
def test_joins(services: list[Service], instances: list[Instance], text: str) -> None:
    assert str(planned(services, instances)) == text


@_table(INTERRUPTED)
def test_after_an_interruption(services: list[Service], instances: list[Instance], text: str) -> None:
    assert str(planned(services, instances)) == text


# --- services that nothing is done about ------------------------------------------------------------


def test_an_orphan_is_shown_and_left_alone() -> None:
    plan = planned([svc("web")], [box("web-1"), box("old-1")])
    orphan = next(entry for entry in plan.entries if entry.name == "old")
    assert plan.empty
    assert (orphan.change, orphan.cause) == (
        Change.ORPHAN,
        "not in the Compose files; left alone (prune: false)",
    )


def test_prune_removes_orphans_after_everything_else() -> None:
    plan = planned([svc("web", "2")], [box("web-1"), box("a-1"), box("b-1")], env=environment(prune=True))
    assert str(plan) == (
        "replace web (web-1): 1 → 2\n"
        "remove a (a-1): not in the Compose files (prune: true)\n"
        "remove b (b-1): not in the Compose files (prune: true)"
    )
    assert [entry.change for entry in plan.entries] == [Change.REMOVED, Change.REMOVED, Change.CHANGE]


def test_prune_spares_services_of_inactive_profiles() -> None:
    plan = planned(
        [svc("web")], [box("web-1"), box("debug-1")], inactive=("debug",), env=environment(prune=True)
    )
    assert plan.empty
    assert [(e.name, e.change, e.cause) for e in plan.entries] == [
        ("debug", Change.UNMANAGED, "its profile is not active"),
        ("web", Change.NONE, ""),
    ]


@pytest.mark.parametrize(
    "instances",
    [[], [box("web-1", "9")], [box("web-1", state=State.EXITED)], [box("web-1", "2", template=True)]],
)
def test_unpinned_ignore_never_touches(instances: list[Instance]) -> None:
    plan = planned(
        [svc("web", pinned=False), svc("db")],
        [*instances, box("db-1")],
        env=environment(unpinned=Unpinned.IGNORE),
    )
    assert plan.empty
    assert [entry.change for entry in plan.entries] == [Change.NONE, Change.UNMANAGED]


def test_unpinned_follow_follows_the_compose_files() -> None:
    plan = planned([svc("web", "2", pinned=False)], [box("web-1")])
    assert str(plan) == "replace web (web-1): 1 → 2"
    assert not plan.entries[0].pinned


# --- held after a Compose upgrade --------------------------------------------------------------------


def test_hashes_of_another_compose_are_held() -> None:
    """An upgrade of Compose must not restart production unasked."""
    plan = planned([svc("web", definition="as the new Compose hashes it")], [box("web-1", compose="2.24.0")])
    assert plan.empty
    assert plan.entries[0].change is Change.HELD
    assert "Compose 2.24.0" in plan.entries[0].cause


@pytest.mark.parametrize(
    ("instance", "why"),
    [
        (box("web-1", compose="2.24.0"), "a new image is a release"),
        (replace(box("web-1", "2", compose="2.24.0", definition="x"), state=State.DEAD), "it is dead"),
        (box("web-1", "2", compose="", definition="x"), "it is not known which Compose made it"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_held(instance: Instance, why: str) -> None:
    assert str(planned([svc("web", "2", definition="new")], [instance])).startswith("replace web"), why


def test_a_service_that_is_held_keeps_its_joiners() -> None:
    plan = planned(
        [svc("vpn", definition="rehashed"), svc("app", network_of="vpn")],
        [box("vpn-1", compose="2.24.0"), box("app-1", network_of="id-vpn-1")],
    )
    assert str(plan) == NOTHING


# --- change or drift ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "kept", "change", "text"),
    [
        (svc("web", "2"), {}, Change.CHANGE, "replace web (web-1): 1 → 2"),
        (svc("web", "2"), {"web": config_hash("web", "1")}, Change.CHANGE, "replace web (web-1): 1 → 2"),
        (
            svc("web", "2"),
            {"web": config_hash("web", "2")},
            Change.DRIFT,
            "replace web (web-1): runs 1, Git says 2",
        ),
        (
            svc("web", definition="x"),
            {"web": config_hash("web", "1", "x")},
            Change.DRIFT,
            "replace web (web-1): its definition was changed on the host",
        ),
    ],
)
def test_drift_is_told_from_change_by_what_was_kept(
    service: Service, kept: dict[str, str], change: Change, text: str
) -> None:
    plan = planned([service], [box("web-1")], kept=kept)
    assert (plan.entries[0].change, str(plan)) == (change, text)


def test_what_was_there_and_is_gone_is_drift() -> None:
    plan = planned([svc("web")], [], kept={"web": config_hash("web", "1")})
    assert (plan.entries[0].change, str(plan)) == (Change.DRIFT, "create web x1: removed outside Git")


def test_scaling_is_change_when_git_asked_and_drift_when_not() -> None:
    scaled = svc("web", replicas=2)
    asked = planned([scaled], [box("web-1")], kept={})
    lost = planned([scaled], [box("web-1")], kept={"web": scaled.config_hash})
    assert [plan.entries[0].change for plan in (asked, lost)] == [Change.CHANGE, Change.DRIFT]


def test_the_entry_says_what_runs_and_what_should() -> None:
    entry = planned([svc("web", "2")], [box("web-1")]).entries[0]
    assert (entry.before, entry.after) == (svc("web", "1").image, svc("web", "2").image)


def test_every_service_is_accounted_for() -> None:
    plan = planned([svc("a"), svc("b", "2"), svc("c", replicas=0)], [box("b-1"), box("z-1")], inactive=("y",))
    assert [entry.name for entry in plan.entries] == ["a", "b", "c", "z"]
