"""Whatever there is and whatever Git wants: a few passes, and there is nothing left to do."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.desired import Dependency, Order, Service
from reconciler.domain.observed import State
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour, Container, hashed
from tests.domain.values import environment, svc

JOB = "job"
NAMES = ("a", "b", "c", JOB)


@st.composite
def services(draw: st.DrawFn) -> tuple[Service, ...]:
    """Up to three services that depend on, or join, earlier ones."""
    made: list[Service] = []
    for name in sorted(draw(st.sets(st.sampled_from(NAMES)))):
        earlier = [service.name for service in made]
        needs = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        single = [service.name for service in made if service.replicas == 1 and not service.one_shot]
        joined = draw(st.sampled_from(["", *single]))
        made.append(
            svc(
                name,
                draw(st.sampled_from("12")),
                definition=draw(st.sampled_from(["", "x"])),
                replicas=1 if joined else draw(st.integers(0, 2)),
                order=draw(st.sampled_from(list(Order))),
                needs=[Dependency(need, restart=draw(st.booleans())) for need in needs],
                one_shot=name == JOB,
                network_of="" if name == JOB else joined,
            )
        )
    return tuple(made)


MISCHIEF = (
    "exit", "pause", "die", "vanish", "retire", "wait", "mark as template",
    "change the image", "change the definition", "copy by hand",
)  # fmt: skip


def harm(scene: Scene, container: Container, mischief: str) -> None:  # noqa: C901  # a flat table
    """What people and crashes do to a container."""
    taken = {other.name for other in scene.containers}
    match mischief:
        case "exit":
            container.end(1, by_hand=True)
        case "pause" | "die":
            container.state = State.PAUSED if mischief == "pause" else State.DEAD
        case "vanish":
            scene.world.vanish(container.name)
        case "retire" | "wait":
            name = f"{container.name}.{'predecessor' if mischief == 'retire' else 'successor'}"
            if name not in taken and "." not in container.name:
                container.name = name
        case "mark as template" if container.state is State.CREATED:
            container.template = True
        case "change the image":
            container.image, container.config_hash = "registry/other:9", hashed("other")
        case "change the definition":
            container.config_hash = hashed("changed")
        case "copy by hand":
            copy = replace(container, id=hashed(container.id, "copy"), name=f"{container.name}-copy")
            if copy.name not in taken and "." not in container.name:
                scene.world.containers[copy.id] = copy
        case _:
            pass


@settings(max_examples=120, deadline=None)
@given(
    services(),
    services(),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(MISCHIEF)), max_size=4),
    st.booleans(),
)
def test_any_state_converges_and_then_there_are_no_changes(
    before: tuple[Service, ...],
    after: tuple[Service, ...],
    mischief: list[tuple[int, str]],
    prune: bool,
) -> None:
    scene = Scene(before, env=environment(prune=prune))
    for name in NAMES:
        for version in "12":
            scene.behave(name, version, Behaviour(crashes=0 if name == JOB else None, volumes=("/data",)))
    scene.once()
    for index, what in mischief:
        if scene.containers:
            harm(scene, scene.containers[index % len(scene.containers)], what)
    scene.define(*after)
    for _ in range(3):
        if scene.plan != "No changes.":
            scene.once()
    assert scene.plan == "No changes."
    known = {service.name for service in after}
    assert [name for name in scene.leftovers() if _service(scene, name) in known] == []
    assert [name for name in scene.world.cut_off() if _service(scene, name) in known] == []
    for service in after:
        mine = [c for c in scene.containers if c.service.name == service.name]
        assert len(mine) == service.replicas
        assert {c.image for c in mine} <= {service.image}
        assert all(c.up or c.exit_code == 0 for c in mine)
    if prune:
        assert {c.service.name for c in scene.containers} <= known


def _service(scene: Scene, name: str) -> str:
    return scene.world.named(name).service.name
