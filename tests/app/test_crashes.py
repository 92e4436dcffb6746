"""Killed at any point, a release goes on from what the next pass finds: there are no notes to lose."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.desired import Dependency, Order, Service
from reconciler.errors import EngineFailed, EngineUnreachable, ReconcileError
from tests.app.scene import Scene
from tests.bed.fake_container import Behaviour
from tests.bed.fake_engine import Killed
from tests.domain.values import PROJECT, environment, once, svc

CHANGES = ("succeed", "start", "stop", "set_restart_policy", "rename", "remove", "tag")
BROKEN = Behaviour(crashes=1)
DATA = Behaviour(volumes=("/data",))
DONE = Behaviour(crashes=0)
FIRST = Order.START_FIRST


@dataclass(frozen=True)
class Story:
    """What runs (at version 1), what happens to the host, and what Git says then.

    `ends` is what must run in the end, by service; services that are not named run version 1.
    """

    services: tuple[Service, ...]
    release: tuple[Service, ...] | None = None
    happens: Callable[[Scene], None] = lambda scene: None
    ends: str = "2"
    broken: tuple[str, ...] = ()
    prune: bool = False

    def stage(self) -> Scene:
        scene = Scene(self.services, env=environment(prune=self.prune))
        for service in (*self.services, *(self.release or ())):
            for version in "123":
                bad = version == "2" and service.name in self.broken
                good = DONE if service.one_shot else DATA
                scene.behave(service.name, version, BROKEN if bad else good)
        scene.up()
        self.happens(scene)
        if self.release is not None:
            scene.define(*self.release)
        return scene


def exited(*names: str) -> Callable[[Scene], None]:
    def happens(scene: Scene) -> None:
        for name in names:
            container = scene.world.named(f"{PROJECT}-{name}")
            container.end(1, by_hand=True)

    return happens


def gone(name: str) -> Callable[[Scene], None]:
    return lambda scene: scene.world.vanish(f"{PROJECT}-{name}")


JOINED = (svc("vpn"), svc("app", network_of="vpn"), svc("log", network_of="vpn"))

STORIES = {
    "a new image": Story((svc("web"),), (svc("web", "2"),)),
    "start-first": Story((svc("web", order=FIRST),), (svc("web", "2", order=FIRST),)),
    "container_name": Story(
        (svc("web", container_name="front"),), (svc("web", "2", container_name="front"),)
    ),
    "restart: always": Story((svc("web", restart="always"),), (svc("web", "2", restart="always"),)),
    "two services": Story(
        (svc("db"), svc("api", needs=["db"])), (svc("db", "2"), svc("api", "2", needs=["db"]))
    ),
    "replicas": Story((svc("web", replicas=2),), (svc("web", "2", replicas=2),)),
    "more of them": Story((svc("web", replicas=1),), (svc("web", "2", replicas=3),)),
    "fewer of them": Story((svc("web", replicas=3),), (svc("web", "2", replicas=1),)),
    "only more": Story((svc("web"),), (svc("web", replicas=3),), ends="1"),
    "only fewer": Story((svc("web", replicas=3),), (svc("web"),), ends="1"),
    "none": Story((svc("web"), svc("db")), (svc("web", replicas=0), svc("db")), ends="1"),
    "first deploy": Story((), (svc("db", "2"), svc("web", "2", needs=["db"]))),
    "joined": Story(JOINED, (svc("vpn", "2"), *JOINED[1:]), ends="vpn=2 app=1 log=1"),
    "joined, all new": Story(
        JOINED, (svc("vpn", "2"), svc("app", "2", network_of="vpn"), svc("log", "2", network_of="vpn"))
    ),
    "joined, new one": Story(
        JOINED, (svc("vpn"), svc("app", "2", network_of="vpn"), JOINED[2]), ends="vpn=1 app=2 log=1"
    ),
    "joined, stopped": Story(JOINED, happens=exited("vpn-1"), ends="1"),
    "joined, all stopped": Story(JOINED, happens=exited("vpn-1", "app-1", "log-1"), ends="1"),
    "joined, gone": Story(JOINED, happens=gone("vpn-1"), ends="1"),
    "one gone of two": Story((svc("web", replicas=2),), happens=gone("web-1"), ends="1"),
    "restart: true": Story(
        (svc("db"), svc("api", needs=[Dependency("db", restart=True)])),
        (svc("db", "2"), svc("api", needs=[Dependency("db", restart=True)])),
        ends="db=2 api=1",
    ),
    "prune": Story(
        (svc("old"), svc("web"), svc("db")), (svc("web", "2"), svc("db")), prune=True, ends="web=2 db=1"
    ),
    "one-shot": Story(
        (svc("migrate", one_shot=True), svc("api", needs=[once("migrate")])),
        (svc("migrate", "2", one_shot=True), svc("api", "2", needs=[once("migrate")])),
    ),
    "broken, one-shot": Story(
        (svc("migrate", one_shot=True), svc("api", needs=[once("migrate")])),
        (svc("migrate", "2", one_shot=True), svc("api", "2", needs=[once("migrate")])),
        broken=("api",),
        ends="1",
    ),
    "broken": Story((svc("web"),), (svc("web", "2"),), broken=("web",), ends="1"),
    "broken, always": Story(
        (svc("web", restart="always"),), (svc("web", "2", restart="always"),), broken=("web",), ends="1"
    ),
    "broken, start-first": Story(
        (svc("web", order=FIRST),), (svc("web", "2", order=FIRST),), broken=("web",), ends="1"
    ),
    "broken, replicas": Story(
        (svc("web", replicas=2),), (svc("web", "2", replicas=2),), broken=("web",), ends="1"
    ),
    "broken, fewer": Story(
        (svc("web", replicas=3),), (svc("web", "2", replicas=1),), broken=("web",), ends="1"
    ),
    "broken, two services": Story(
        (svc("db"), svc("api", needs=["db"])),
        (svc("db", "2"), svc("api", "2", needs=["db"])),
        broken=("api",),
        ends="1",
    ),
    "broken, joined": Story(JOINED, (svc("vpn", "2"), *JOINED[1:]), broken=("vpn",), ends="1"),
    "broken, joins": Story(
        JOINED, (svc("vpn", "2"), svc("app", "2", network_of="vpn"), JOINED[2]), broken=("app",), ends="1"
    ),
}


# What joined a container that somebody removed cannot run again, so there is no way back to it.
RESTORABLE = {name: story for name, story in STORIES.items() if name != "joined, gone"}


def wanted(story: Story) -> dict[str, str]:
    names = [service.name for service in story.release or story.services]
    if "=" not in story.ends:
        return dict.fromkeys(names, story.ends)
    return {name: version for name, _, version in (pair.partition("=") for pair in story.ends.split())}


def killed_at(scene: Scene, call: int) -> bool:
    """One pass that is killed before the `call`-th change; False where it ends before."""
    scene.world.die_at(call)
    try:
        scene.once()
    except Killed:
        return True
    finally:
        scene.world.revive()
    return False


def settle(scene: Scene, *, broken: bool = False) -> None:
    """The next pass, and at most two further ones."""
    for _ in range(3):
        if scene.plan == "No changes.":
            break
        scene.once()
    assert broken or scene.plan == "No changes."


def all_well(scene: Scene, story: Story) -> None:
    """What Git wants runs (or, where it is broken, what ran before), and nothing else is there."""
    assert scene.leftovers() == []
    versions = wanted(story)
    counts = {s.name: s.replicas for s in (story.services if story.broken else scene.services)}
    for name, version in versions.items():
        mine = [c for c in scene.containers if c.service.name == name]
        assert [c.image.partition("@")[0][-1] for c in mine] == [version] * counts[name], scene.there()
        assert all(c.up or (c.service.one_shot and c.exit_code == 0 and c.starts) for c in mine), (
            scene.there()
        )
        assert all(c.policy == c.service.restart for c in mine), "its restart policy is its own again"
    assert scene.world.cut_off() == ()


def data(scene: Scene) -> dict[str, str]:
    """The anonymous volumes of serving containers, by name."""
    return {c.name: c.volumes["/data"] for c in scene.containers if "/data" in c.volumes and not c.template}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_without_a_crash_all_is_well(story: Story) -> None:
    scene = story.stage()
    settle(scene, broken=bool(story.broken))
    all_well(scene, story)


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_killed_at_any_change_the_next_passes_converge(story: Story) -> None:
    call = 1
    while killed_at(scene := story.stage(), call):
        settle(scene, broken=bool(story.broken))
        all_well(scene, story)
        call += 1
    assert call > 1


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_killed_and_then_the_engine_restarts(story: Story) -> None:
    """What the restart policies bring back in the meantime does not matter."""
    call = 1
    while killed_at(scene := story.stage(), call):
        scene.world.restart_engine()
        settle(scene, broken=bool(story.broken))
        all_well(scene, story)
        call += 1


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_killed_and_then_reverted(story: Story) -> None:
    """Git goes back while the release was never judged."""
    call = 1
    while killed_at(scene := story.stage(), call):
        scene.define(*story.services)
        settle(scene)
        all_well(scene, Story(story.services, ends="1", prune=story.prune))
        call += 1


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_data_survives_whatever_is_killed(story: Story) -> None:
    kept = data(story.stage())
    call = 1
    while killed_at(scene := story.stage(), call):
        settle(scene, broken=bool(story.broken))
        now = data(scene)
        assert all(now[name] == volume for name, volume in kept.items() if name in now)
        assert set(kept.values()) <= scene.world.volumes
        call += 1


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_nothing_is_down_unless_its_start_is_the_next_change(story: Story) -> None:
    """Between any two changes every service that ran runs, or is started next."""
    whole = story.stage()
    before = {c.service.name for c in whole.containers if c.up}
    whole.once()
    log = [*whole.world.calls]
    shown = {s.name: s.container_name or s.name for s in story.services}
    excused = {s.name for s in story.services if s.joins or s.one_shot} | {*story.broken}
    call = 1
    while killed_at(scene := story.stage(), call):
        up = {c.service.name for c in scene.containers if c.up}
        wants = {service.name for service in scene.services if service.replicas}
        for name in (before - up - excused) & wants:
            assert log[call - 1][0] == "start", f"{name} is down before {log[call - 1]}"
            assert shown[name] in log[call - 1][1]
        call += 1


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_killed_and_then_a_third_release(story: Story) -> None:
    """What was good before is the one to go back to, and not the one in between."""
    names = {service.name for service in (*story.services, *(story.release or ()))}
    call = 1
    while killed_at(scene := story.stage(), call):
        scene.define(*scene.services)
        scene.release(**dict.fromkeys(names & {s.name for s in scene.services}, "3"))
        settle(scene)
        all_well(scene, Story(story.services, scene.services, ends="3", prune=story.prune))
        call += 1


@pytest.mark.parametrize("story", RESTORABLE.values(), ids=RESTORABLE.keys())
def test_killed_and_then_a_third_release_that_is_broken(story: Story) -> None:
    """A release that came up, was never judged, and is followed by one that does not come up."""
    names = {service.name for service in story.services} & {s.name for s in story.release or story.services}
    call = 1
    while killed_at(scene := story.stage(), call):
        for name in names:
            scene.behave(name, "3", BROKEN)
        scene.define(*scene.services)
        scene.release(**dict.fromkeys(names, "3"))
        settle(scene, broken=True)
        assert scene.leftovers() == []
        judged = {name for name in names if name not in story.broken}
        for name in judged:
            mine = [c for c in scene.containers if c.service.name == name]
            wanted_up = [s for s in scene.services if s.name == name and s.replicas and not s.one_shot]
            assert not wanted_up or any(c.up for c in mine)
        assert scene.world.cut_off() == ()
        call += 1


FAULTS = [(EngineFailed("it could not"), False), (EngineUnreachable("the answer got lost"), True)]


@pytest.mark.parametrize(("error", "after"), FAULTS, ids=["failed", "lost"])
@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_any_change_may_fail_once(story: Story, error: ReconcileError, after: bool) -> None:
    """The engine refuses one change, or goes away around it: the next passes converge."""
    call = 1
    while fails_at(scene := story.stage(), call, error, after=after):
        settle(scene, broken=bool(story.broken))
        all_well(scene, story)
        call += 1
    assert call > 1


def fails_at(scene: Scene, call: int, error: ReconcileError, *, after: bool) -> bool:
    """One pass in which the `call`-th change fails; False where it ends before."""
    counter = itertools.count(1)
    for method in CHANGES:
        scene.world.fail(method, error=error, after=after, matching=lambda *_: next(counter) == call)
    before = len(scene.world.calls)
    with contextlib.suppress(ReconcileError):
        scene.once()
    scene.world.forget_faults()
    return len(scene.world.calls) - before >= call


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(STORIES)),
    st.lists(st.tuples(st.integers(1, 30), st.booleans(), st.sampled_from("123")), min_size=1, max_size=4),
)
def test_killed_again_and_again(name: str, kills: list[tuple[int, bool, str]]) -> None:
    """Killed, the engine perhaps restarted, Git moved on or back, killed again."""
    story = STORIES[name]
    scene = story.stage()
    for call, restart, version in kills:
        killed_at(scene, call)
        if restart:
            scene.world.restart_engine()
        scene.define(*scene.services)
        scene.release(**{service.name: version for service in scene.services})
    last = "3" if story.broken else kills[-1][2]
    scene.define(*scene.services)
    scene.release(**{service.name: last for service in scene.services})
    settle(scene)
    all_well(scene, Story(story.services, scene.services, ends=last, prune=story.prune))
