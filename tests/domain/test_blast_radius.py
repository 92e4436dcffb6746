"""How much one pass may stop or replace although Git did not move it."""

from __future__ import annotations

import pytest

from reconciler.domain.blast_radius import refuse_mass_change, touched_unasked
from reconciler.domain.desired import Dependency, Service
from reconciler.domain.diff import diff
from reconciler.domain.observed import Instance, State
from reconciler.domain.policy import Limits
from reconciler.errors import Refused
from tests.domain.values import box, config_hash, desired, environment, observed, svc

FOUR = [svc(name) for name in ("api", "db", "mail", "web")]


def running(**versions: str) -> list[Instance]:
    """A container of each of the four; of those that are named, one that was changed by hand."""
    return [box(f"{s.name}-1", definition=versions.get(s.name, "")) for s in FOUR]


def touched(
    services: list[Service], boxes: list[Instance], *, prune: bool = False, kept: str = "1"
) -> list[str]:
    wanted, there = desired(*services, env=environment(prune=prune)), observed(*boxes)
    last = {service.name: config_hash(service.name, kept) for service in services}
    return list(touched_unasked(diff(wanted, there, last), there))


def check(services: list[Service], boxes: list[Instance], limits: Limits, *, prune: bool = False) -> None:
    wanted, there = desired(*services, env=environment(prune=prune)), observed(*boxes)
    last = {service.name: config_hash(service.name, "1") for service in services}
    refuse_mass_change(diff(wanted, there, last), there, limits)


def test_half_of_the_services_may_be_replaced_through_drift() -> None:
    check(FOUR, running(api="by hand", db="by hand"), Limits())


def test_more_than_that_takes_a_persons_word() -> None:
    boxes = running(api="by hand", db="by hand", web="by hand")
    with pytest.raises(Refused) as caught:
        check(FOUR, boxes, Limits())
    assert caught.value.problem == (
        "the plan stops or replaces 3 of 4 services of production although Git did not move them, "
        "and at most 2 may be: api, db, web"
    )
    assert "--allow-mass-change" in caught.value.hint
    assert "max_change" in caught.value.hint
    check(FOUR, boxes, Limits.lifted())
    check(FOUR, boxes, Limits(change=0.75))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5])
def test_one_service_may_always_be_put_right(share: float) -> None:
    check([svc("web")], [box("web-1", definition="by hand")], Limits(change=share))
    check(FOUR, running(api="by hand"), Limits(change=share))


def test_a_share_is_rounded_down() -> None:
    with pytest.raises(Refused, match="at most 2 may be"):
        check(FOUR, running(api="x", db="x", web="x"), Limits(change=0.74))


def test_a_new_release_is_not_limited() -> None:
    assert touched([svc(s.name, "2") for s in FOUR], running()) == []
    assert touched(FOUR, [], kept="0") == []


def test_what_crashed_or_is_missing_is_not_limited() -> None:
    crashed = [box(f"{s.name}-1", state=State.EXITED, exit_code=1) for s in FOUR[:2]]
    assert touched(FOUR, crashed) == []


def test_a_container_that_the_engine_calls_dead_is_not_limited() -> None:
    assert touched(FOUR, [box(f"{s.name}-1", state=State.DEAD) for s in FOUR]) == []


def test_containers_too_many_are_not_limited() -> None:
    assert touched(FOUR, [*running(), *(box(f"{s.name}-2") for s in FOUR)]) == []


def test_removals_count() -> None:
    old = [box(f"{name}-1") for name in ("old1", "old2", "old3", "old4")]
    assert touched(FOUR, [*running(), *old], prune=True) == ["old1", "old2", "old3", "old4"]
    assert touched(FOUR, [*running(), *old], prune=False) == []


def test_scaling_to_nothing_counts() -> None:
    assert touched([svc("api", replicas=0), *FOUR[1:]], running()) == ["api"]


JOINED = [svc("vpn"), svc("app", network_of="vpn")]


def test_what_joins_something_that_drifted_counts() -> None:
    boxes = [box("vpn-1", definition="by hand"), box("app-1", network_of="id-vpn-1")]
    assert touched(JOINED, boxes) == ["app", "vpn"]


def test_what_joins_something_that_is_made_again_does_not_count() -> None:
    assert touched(JOINED, [box("app-1", network_of="id-vpn-1")]) == []


def test_what_joins_a_release_does_not_count() -> None:
    boxes = [box("vpn-1"), box("app-1", network_of="id-vpn-1")]
    assert touched([svc("vpn", "2"), JOINED[1]], boxes) == []


def needing(version: str = "1") -> list[Service]:
    return [svc("db", version), *(svc(f"web{n}", needs=[Dependency("db", restart=True)]) for n in range(3))]


def test_what_is_restarted_after_something_that_drifted_counts() -> None:
    boxes = [box("db-1", definition="by hand"), *(box(f"web{n}-1") for n in range(3))]
    assert touched(needing(), boxes) == ["db", "web0", "web1", "web2"]


def test_what_is_restarted_after_a_release_does_not_count() -> None:
    assert touched(needing("2"), [box("db-1"), *(box(f"web{n}-1") for n in range(3))]) == []


def test_a_release_that_is_half_done_is_not_limited() -> None:
    """Git took it back by now: by the last hashes this is drift."""
    boxes = [
        b for s in FOUR for b in (box(f"{s.name}-1", "2"), box(f"{s.name}-1.predecessor", state=State.EXITED))
    ]
    wanted, there = desired(*FOUR), observed(*boxes)
    plan = diff(wanted, there, {s.name: config_hash(s.name, "1") for s in FOUR})
    assert touched_unasked(plan, there, {s.name for s in FOUR}) == ()
    refuse_mass_change(plan, there, Limits(), {s.name for s in FOUR})
