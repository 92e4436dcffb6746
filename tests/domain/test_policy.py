"""What a plan may not do, and which powers a service may not ask for."""

from __future__ import annotations

import pytest

from reconciler.domain.data import Data, Hook, Moment
from reconciler.domain.desired import Order, Port, Service
from reconciler.domain.plan import Change, Plan
from reconciler.domain.policy import Limits, refuse, spare
from reconciler.domain.powers import refused_hooks, refused_powers
from reconciler.errors import Refused
from tests.domain.values import box, environment, observed, planned, svc


def pruning(keep: int, remove: int) -> Plan:
    """A plan that keeps and removes so many services."""
    kept = [svc(f"keep{i}") for i in range(keep)]
    boxes = [box(f"keep{i}-1") for i in range(keep)] + [box(f"old{i}-1") for i in range(remove)]
    return planned(kept, boxes, env=environment(prune=True))


@pytest.mark.parametrize(("keep", "remove"), [(1, 1), (3, 2), (5, 0), (0, 0)])
def test_removing_up_to_half_is_usual(keep: int, remove: int) -> None:
    refuse(pruning(keep, remove), Limits())


@pytest.mark.parametrize(("keep", "remove"), [(0, 1), (1, 2), (0, 5)])
def test_removing_more_takes_a_persons_word(keep: int, remove: int) -> None:
    plan = pruning(keep, remove)
    with pytest.raises(Refused, match=f"removes {remove} of {keep + remove} services") as caught:
        refuse(plan, Limits())
    assert all(f"old{i}" in caught.value.problem for i in range(remove))
    assert "--allow-removal" in caught.value.hint
    refuse(plan, Limits(removal=1.0))


def test_an_emptied_model_stops_nothing_without_prune() -> None:
    plan = planned([], [box("web-1"), box("db-1")])
    refuse(plan, Limits())
    assert plan.empty


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        (svc("web", "2", order=Order.START_FIRST, ports=(Port("", 80),)), r"publishes \*:80/tcp"),
        (svc("web", "2", order=Order.START_FIRST, volumes=("data",)), "writes to data"),
    ],
)
def test_start_first_is_refused_where_two_get_in_each_others_way(service: Service, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        refuse(planned([service], [box("web-1")]), Limits())


@pytest.mark.parametrize(
    "plan",
    [
        planned([svc("web", "2", order=Order.START_FIRST)], [box("web-1")]),
        planned([svc("web", "2", ports=(Port("", 80),), volumes=("data",))], [box("web-1")]),
        planned([svc("web", order=Order.START_FIRST, ports=(Port("", 80),))], [box("web-1")]),
        planned([svc("web", order=Order.START_FIRST, ports=(Port("", 80),))], []),
    ],
    ids=["nothing shared", "stop-first", "not replaced", "first deploy"],
)
def test_orders_that_are_safe(plan: Plan) -> None:
    refuse(plan, Limits())


# --- ports -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        (Port("", 80), Port("", 80), True),
        (Port("0.0.0.0", 80), Port("127.0.0.1", 80), True),
        (Port("::", 80), Port("127.0.0.1", 80), True),
        (Port("127.0.0.1", 80), Port("127.0.0.1", 80), True),
        (Port("127.0.0.1", 80), Port("127.0.0.2", 80), False),
        (Port("", 80), Port("", 81), False),
        (Port("", 80), Port("", 80, "udp"), False),
    ],
)
def test_ports_that_clash(one: Port, other: Port, clash: bool) -> None:
    assert one.clashes(other) is other.clashes(one) is clash


# --- powers ------------------------------------------------------------------------------------------

TRAEFIK = svc("traefik", powers=("docker-socket", "host-network"))
AGENT = svc("agent", powers=("privileged",))


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ((), [("agent", "privileged"), ("traefik", "docker-socket"), ("traefik", "host-network")]),
        (("traefik:*",), [("agent", "privileged")]),
        (("production/traefik:docker-socket", "*:privileged"), [("traefik", "host-network")]),
        (
            ("staging/traefik:*", "staging/agent:*"),
            [("agent", "privileged"), ("traefik", "docker-socket"), ("traefik", "host-network")],
        ),
        (("*/*:*",), []),
        (("*:*",), []),
        (
            ("Traefik:*", "agent:Privileged"),
            [("agent", "privileged"), ("traefik", "docker-socket"), ("traefik", "host-network")],
        ),
    ],
)
def test_powers_need_an_allowance_of_the_host(
    allowed: tuple[str, ...], refused: list[tuple[str, str]]
) -> None:
    assert refused_powers("production", [TRAEFIK, AGENT, svc("web")], allowed) == tuple(refused)


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ((), True),
        (("staging/hooks:host",), True),
        (("hooks:host-network",), True),
        (("production/hooks:host",), False),
        (("hooks:*",), False),
    ],
)
def test_hooks_on_the_host_need_an_allowance_too(allowed: tuple[str, ...], refused: bool) -> None:
    inside, outside = Hook(Moment.AFTER_RELEASE, ("a",), "web"), Hook(Moment.AFTER_RELEASE, ("a",))
    assert refused_hooks("production", Data(hooks=(inside,)), allowed) == ()
    expected = (("hooks", "host"),) if refused else ()
    assert refused_hooks("production", Data(hooks=(inside, outside)), allowed) == expected


# --- our own container -------------------------------------------------------------------------------


def test_the_service_that_we_run_in_is_held() -> None:
    services, boxes = [svc("reconcile", "2"), svc("web", "2")], [box("reconcile-1"), box("web-1")]
    plan = spare(planned(services, boxes), observed(*boxes), "id-reconcile-1")
    assert str(plan) == "replace web (web-1): 1 → 2"
    (own,) = [entry for entry in plan.entries if entry.name == "reconcile"]
    assert (own.change, own.cause) == (Change.HELD, "reconcile runs in it; it does not manage itself")


@pytest.mark.parametrize("own", ["", "id-of-another"])
def test_elsewhere_nothing_is_spared(own: str) -> None:
    plan = planned([svc("web", "2")], [box("web-1")])
    assert spare(plan, observed(box("web-1")), own) == plan


def test_where_nothing_is_to_be_done_nothing_is_held() -> None:
    plan = planned([svc("web")], [box("web-1")])
    assert spare(plan, observed(box("web-1")), "id-web-1") == plan
