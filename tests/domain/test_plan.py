"""Properties of every plan, for any desired and observed state."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.desired import Dependency, Desired, Join, Service
from reconciler.domain.diff import diff
from reconciler.domain.environment import Unpinned
from reconciler.domain.health import sync_of
from reconciler.domain.observed import Instance, Observed, Role, State
from reconciler.domain.plan import Change, Remove, Replace
from reconciler.domain.report import Sync
from tests.domain.values import box, desired, environment, image_id, observed, svc

NAMES = ("a", "b", "c", "d")
ENDINGS = ("", "", ".successor", ".predecessor")


@st.composite
def services(draw: st.DrawFn) -> list[Service]:
    """Services that depend on, and join, earlier ones."""
    chosen = sorted(draw(st.sets(st.sampled_from(NAMES))))
    made: list[Service] = []
    for index, name in enumerate(chosen):
        earlier = chosen[:index]
        needs = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        made.append(
            svc(
                name,
                draw(st.sampled_from("12")),
                pinned=draw(st.booleans()),
                replicas=draw(st.integers(0, 3)),
                needs=[Dependency(need, restart=draw(st.booleans())) for need in needs],
                one_shot=draw(st.booleans()),
                network_of=draw(st.sampled_from(["", *earlier])),
            )
        )
    return made


@st.composite
def containers(draw: st.DrawFn) -> list[Instance]:
    """Any containers of these services and of one more."""
    names = draw(
        st.lists(
            st.tuples(st.sampled_from((*NAMES, "z")), st.integers(1, 3), st.sampled_from(ENDINGS)),
            unique=True,
            max_size=6,
        )
    )
    ids = [f"id-{name}-{number}{ending}" for name, number, ending in names]
    return [
        box(
            f"{name}-{number}{ending}",
            draw(st.sampled_from("12")),
            draw(st.sampled_from(list(State))),
            exit_code=draw(st.sampled_from([0, 1])),
            made_from=draw(st.sampled_from(["", "", image_id("other")])),
            network_of=draw(st.sampled_from(["", "", *ids])),
            compose=draw(st.sampled_from(["2.26.1", "2.26.1", "2.24.0"])),
            template=not ending and draw(st.integers(0, 5)) == 0,
        )
        for name, number, ending in names
    ]


_environments = st.builds(
    environment, prune=st.booleans(), unpinned=st.sampled_from([Unpinned.FOLLOW, Unpinned.IGNORE])
)
_worlds = st.builds(
    lambda wanted, there, env: (desired(*wanted, env=env), observed(*there)),
    services(),
    containers(),
    _environments,
)
World = tuple[Desired, Observed]


@settings(max_examples=60, deadline=None)
@given(_worlds, st.data())
def test_the_text_is_stable(world: World, data: st.DataObject) -> None:
    wanted, there = world
    shuffled_services = data.draw(st.permutations(wanted.services))
    shuffled_instances = data.draw(st.permutations(there.instances))
    again = diff(
        Desired(wanted.environment, wanted.revision, tuple(shuffled_services), wanted.compose_version),
        Observed(there.project, tuple(shuffled_instances)),
    )
    assert str(again) == str(diff(wanted, there))


@settings(max_examples=60, deadline=None)
@given(_worlds)
def test_every_service_is_accounted_for_once(world: World) -> None:
    wanted, there = world
    names = [entry.name for entry in diff(wanted, there).entries]
    assert names == sorted({s.name for s in wanted.services} | {i.service for i in there.instances})


@settings(max_examples=60, deadline=None)
@given(_worlds)
def test_it_never_removes_what_git_still_wants(world: World) -> None:
    """What is right stays, as far as Git wants that many; what serves goes only for a successor."""
    wanted, there = world
    removes = [action for action in diff(wanted, there).actions if isinstance(action, Remove)]
    useless = {i.id for action in removes if action.leftover for i in action.instances}
    removed = {i.id for action in removes if not action.leftover for i in action.instances}
    for service in wanted.services:
        gone = (Role.TEMPLATE, State.REMOVING)
        real = [i for i in there.of(service.name) if i.role not in gone and i.state not in gone]
        staying = [i for i in real if i.id not in removed | useless]
        going = [i for i in real if i.id in removed]
        assert not going or len(staying) >= service.replicas
        if service.replicas and any(i.running for i in going):
            assert all(i.running for i in staying), "what runs goes last"
        for instance in real:
            if instance.id in useless:
                assert instance.role is Role.SUCCESSOR
                assert not instance.running or any(other.running for other in real if other is not instance)


@settings(max_examples=60, deadline=None)
@given(_worlds)
def test_without_prune_only_services_of_the_model_are_touched(world: World) -> None:
    wanted, there = world
    known = {service.name for service in wanted.services}
    for entry in diff(wanted, there).entries:
        if entry.actions and entry.name not in known:
            assert wanted.environment.prune
            assert entry.change is Change.REMOVED


@settings(max_examples=60, deadline=None)
@given(_worlds)
def test_every_action_says_why_and_every_container_is_in_one_action(world: World) -> None:
    plan = diff(*world)
    assert all(action.cause for action in plan.actions)
    touched = [instance.id for action in plan.actions for instance in _instances(action)]
    assert len(touched) == len(set(touched))
    assert plan.empty == (str(plan) == "No changes.")
    assert (
        not plan.empty or sync_of(plan) is Sync.SYNCED or any(e.change is Change.HELD for e in plan.entries)
    )


@settings(max_examples=60, deadline=None)
@given(_worlds)
def test_waves_hold_exactly_the_services_that_act(world: World) -> None:
    wanted, there = world
    plan = diff(wanted, there)
    known = {service.name for service in wanted.services}
    placed = [name for wave in plan.waves for name in wave]
    assert sorted(placed) == sorted(e.name for e in plan.entries if e.actions and e.name in known)
    rank = {name: index for index, name in enumerate(placed)}
    for service in wanted.services:
        assert all(
            rank[parent] < rank[service.name]
            for parent in service.parents
            if parent in rank and service.name in rank
        )


def _instances(action: object) -> tuple[Instance, ...]:
    if isinstance(action, Replace):
        return action.predecessors + action.successors
    return getattr(action, "instances", ())


def test_a_join_is_told_from_a_dependency() -> None:
    service = svc("app", network_of="vpn", needs=["db"])
    assert (service.shares, service.parents) == (("vpn",), ("db", "vpn"))
    assert service.joins == (Join("network_mode", "vpn"),)
