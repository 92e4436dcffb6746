"""What holds for any environment, whatever brakes it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.blast_radius import touched_unasked
from reconciler.domain.braking import Brake, brake, half_done, mends, ways_back
from reconciler.domain.desired import Dependency, Desired, Service
from reconciler.domain.diff import diff
from reconciler.domain.observed import Instance, Observed, State
from reconciler.domain.oscillation import freeze_services
from reconciler.domain.plan import Change, Create, Plan, Remove, Replace, Restart, Start
from reconciler.domain.policy import spare
from tests.domain.test_braking import good
from tests.domain.values import box, config_hash, desired, environment, observed, svc

NAMES = ("api", "app", "vpn", "web")
VERSIONS = ("1", "2", "3")
HOW = st.sampled_from([Brake("paused", drift=True), Brake("frozen")])


@st.composite
def _service(draw: st.DrawFn, name: str) -> Service:
    """`app` joins `vpn`, `web` is restarted with `api`."""
    return svc(
        name,
        draw(st.sampled_from(VERSIONS)),
        definition=draw(st.sampled_from(["", "", "new"])),
        replicas=draw(st.sampled_from([0, 1, 1, 2])),
        one_shot=draw(st.integers(0, 9)) == 0,
        network_of="vpn" if name == "app" else "",
        needs=[Dependency("api", restart=True)] if name == "web" else (),
    )


@st.composite
def _instance(draw: st.DrawFn, name: str) -> Instance:
    joins = draw(st.sampled_from(["id-vpn-1", "id-vpn-1", "gone"])) if name == "app" else ""
    return box(
        draw(
            st.sampled_from(
                [f"{name}-1", f"{name}-1", f"{name}-2", f"{name}-1.predecessor", f"{name}-1.successor"]
            )
        ),
        draw(st.sampled_from(VERSIONS)),
        draw(st.sampled_from([State.RUNNING, *State])),
        definition=draw(st.sampled_from(["", "", "new"])),
        network_of=joins,
    )


Case = tuple[Desired, Observed, Plan, frozenset[str]]


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    """Desired, observed, the plan between them, and what no brake holds."""
    env = environment(prune=draw(st.booleans()))
    wanted = desired(*(draw(_service(name)) for name in NAMES if draw(st.integers(0, 5))), env=env)
    found = {i.name: i for name in NAMES for i in draw(st.lists(_instance(name), max_size=3))}
    kept = {name: config_hash(name, draw(st.sampled_from(VERSIONS))) for name in NAMES if draw(st.booleans())}
    goods = tuple(
        good(name, v) for v in draw(st.permutations(VERSIONS)) for name in NAMES if draw(st.booleans())
    )
    there = observed(*found.values())
    plan = diff(wanted, there, kept)
    return wanted, there, plan, ways_back(plan, wanted, there, goods) | half_done(plan)


@given(_cases(), HOW)
def test_a_brake_holds_no_start(case: Case, how: Brake) -> None:
    _, there, plan, going = case
    left = brake(plan, how, there, going).actions
    assert [action for action in plan.actions if isinstance(action, Start) and action not in left] == []


@given(_cases(), HOW)
def test_a_brake_leaves_nothing_missing_that_was_there_before(case: Case, how: Brake) -> None:
    _, there, plan, going = case
    missing = [
        a for e in plan.entries if e.change is Change.DRIFT for a in e.actions if isinstance(a, Create)
    ]
    left = brake(plan, how, there, going).actions
    assert [action for action in missing if action not in left] == []


@given(_cases(), HOW)
def test_a_brake_adds_only_repairs_of_containers_that_stay(case: Case, how: Brake) -> None:
    _, there, plan, going = case
    after = brake(plan, how, there, going)
    before = {entry.name: entry.actions for entry in plan.entries}
    for entry in after.entries:
        for action in entry.actions:
            if action in before[entry.name]:
                continue
            assert isinstance(action, (Start, Restart))
            assert before[entry.name], "a service that had nothing to do acts"
            assert all(instance in there.of(entry.name) for instance in action.instances)


@given(_cases(), HOW)
def test_braking_twice_is_braking_once(case: Case, how: Brake) -> None:
    _, there, plan, going = case
    once = brake(plan, how, there, going)
    assert brake(once, how, there, going) == once


@given(_cases(), HOW)
def test_every_service_stays_accounted_for_and_in_its_wave(case: Case, how: Brake) -> None:
    _, there, plan, going = case
    after = brake(plan, how, there, going)
    assert [entry.name for entry in after.entries] == [entry.name for entry in plan.entries]
    acting = {entry.name for entry in after.entries if entry.actions}
    assert [n for wave in after.waves for n in wave] == [
        n for wave in plan.waves for n in wave if n in acting
    ]


@given(_cases())
def test_a_pause_replaces_and_removes_nothing_that_works(case: Case) -> None:
    """Except for ways back, half-done switches, and what joins something that was made again."""
    _, there, plan, going = case
    after = brake(plan, Brake("paused", drift=True), there, going)
    made = set(going) | {a.service.name for a in after.actions if isinstance(a, Create)}
    for entry in after.entries:
        for action in entry.actions:
            assert not isinstance(action, Remove) or action.leftover or entry.name in going
            if isinstance(action, Replace) and entry.name not in going and not mends(action, there):
                assert any(name in made or _mended(after, name) for name in action.service.shares)


def _mended(plan: Plan, name: str) -> bool:
    return any(isinstance(a, Replace) and a.service.name == name for a in plan.actions)


@given(_cases())
def test_under_a_pause_nothing_exceeds_the_blast_radius_but_what_is_half_done(case: Case) -> None:
    _, there, plan, going = case
    after = brake(plan, Brake("paused", drift=True), there, going)
    assert set(touched_unasked(after, there, half_done(plan))) <= going


@given(_cases(), st.sets(st.sampled_from(NAMES)))
def test_what_oscillates_is_not_corrected_and_all_else_is(case: Case, frozen: set[str]) -> None:
    _, _, plan, _ = case
    after = freeze_services(plan, dict.fromkeys(frozen, "corrected 5 times"))
    assert freeze_services(after, dict.fromkeys(frozen, "corrected 5 times")) == after
    assert all(action in plan.actions for action in after.actions)
    for entry in after.entries:
        if entry.name in frozen and entry.change is Change.DRIFT:
            assert all(
                isinstance(a, (Restart, Replace)) or getattr(a, "leftover", False) for a in entry.actions
            )


@given(_cases(), st.sampled_from(["id-web-1", "id-vpn-1", "", "unknown"]))
def test_nothing_is_done_to_the_service_that_we_run_in(case: Case, own: str) -> None:
    _, there, plan, _ = case
    after = spare(plan, there, own)
    ours = {instance.service for instance in there.instances if instance.id == own}
    assert [entry.name for entry in after.entries if entry.name in ours and entry.actions] == []
    if not ours:
        assert after == plan
