"""What else may be under way when the program is killed: all that a release of two services does not come by.

Two sets, for two worlds: beside the release of two services, and on a stack of services of other kinds.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.e2e.killing import PASS, Begin, Failpoint, Kind, Trial, release, released, taken_back, tried
from tests.e2e.origin import Origin
from tests.e2e.test_gate_inconclusive import elsewhere
from tests.e2e.world import World, await_answer, published

OTHER_KINDS = """
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
        restart: unless-stopped
        stop_grace_period: 2s
      inside:
        image: web
        network_mode: service:web
        environment: {{PORT: 8081}}
        stop_grace_period: 2s
      behind:
        image: web
        depends_on: {{web: {{condition: service_started, restart: true}}}}
        stop_grace_period: 2s
      queue:
        image: web
        restart: always
        deploy: {{replicas: {replicas}, update_config: {{order: start-first}}}}
        stop_grace_period: 2s
    """
NEXT = {"1": "web:2", "2": "web:3", "3": "web:1"}
"""Three versions in turn: with ``keep: 1`` each release lets go of the image of the last but one."""
UNSTARTABLE = 'ENTRYPOINT ["/nowhere"]\n'


@dataclass(frozen=True, slots=True)
class Scene:
    """One of them.

    Args:
        kind: whether it is good in the end.
        begin: makes it so.
        points: the failpoints for which it is here, without their sides; ``#2`` is the second time.
        arguments: of the pass that is killed.
    """

    kind: Kind
    begin: Begin
    points: tuple[str, ...]
    arguments: tuple[str, ...] = PASS

    def killed(self, origin: Origin, point: str) -> Trial:
        """Kill it at a failpoint, and let a fresh pass make good."""
        return tried(origin, self.kind, [Failpoint(point, self.arguments)], begin=self.begin)


# -- with two services ----------------------------------------------------------------------------


@contextmanager
def pulled(origin: Origin, _kind: Kind) -> Iterator[str]:
    """An image that is not on the host yet."""
    images = origin.world.images
    new = f"{images.registry.address}/{images.elsewhere('web:2')}"
    yield origin.release(web=new, worker=new)


@contextmanager
def stopped(origin: Origin, _kind: Kind) -> Iterator[str]:
    """Somebody stopped a container."""
    world = origin.world
    world.docker("stop", world.container("worker").name)
    yield world.git("rev-parse", "HEAD")


@contextmanager
def removed(origin: Origin, _kind: Kind) -> Iterator[str]:
    """Somebody removed a container."""
    world = origin.world
    world.docker("rm", "--force", world.container("worker").name)
    yield world.git("rev-parse", "HEAD")


@contextmanager
def waited_for(origin: Origin, _kind: Kind) -> Iterator[str]:
    """A release that was not to blame for its rejection; what it waits for works again."""
    world = origin.world
    new = f"web:{secrets.token_hex(4)}"  # what was rejected twice is not tried again at once
    with elsewhere() as service:
        service.status = 500
        world.check("elsewhere", service.url)
        commit = origin.release(web=new, worker=new)
        world.once().expect(11)
        service.status = 200
        yield commit
        del world.settings["gate"]["checks"]["elsewhere"]
        world.commit("Ask elsewhere no more")
        origin.pushed()


@contextmanager
def hooked(origin: Origin, kind: Kind) -> Iterator[str]:
    """A release with commands of its own before and after it."""
    world = origin.world
    world.settings["hooks"] = {
        moment: [{"run": ["/bin/sh", "-c", "echo $RECONCILE_MOMENT"], "service": "worker"}]
        for moment in ("before-release", "after-release")
    }
    yield release(origin, kind)
    del world.settings["hooks"]
    world.commit("No hooks")
    origin.pushed()


OF_TWO_SERVICES = (
    Scene(Kind.GOOD, pulled, ("step.pull", "engine.pull", "engine.tag")),
    Scene(Kind.GOOD, stopped, ("step.start", "engine.start")),
    Scene(Kind.GOOD, removed, ("step.create", "compose.create", "step.start")),
    Scene(Kind.GOOD, hooked, ("step.hook", "hooks.run", "hooks.run#2")),
    Scene(Kind.GOOD, waited_for, ("journal.unblock",)),
    Scene(Kind.GOOD, released, ("journal.observe",), (*PASS, "--observe")),
    Scene(Kind.GONE, released, ("step.pull", "engine.pull", "journal.finish")),
)

# -- with services of other kinds -----------------------------------------------------------------


def staged_of_other_kinds(world: World) -> Origin:
    """One that publishes a port, one in its network, one that is restarted after it, and one start-first."""
    port, world.url = published()
    world.settings["gate"] = {"timeout": "10s", "soak": "0s"}
    world.settings["rollback"] = {"git": "push", "keep": 1}
    world.check("front", f"{world.url}/health")
    compose = OTHER_KINDS.format(port=port, replicas=1)
    world.stack(compose, web="web:1", queue="web:1", inside="web:0", behind="web:0")
    world.once().expect(0)
    await_answer(world.url, "version=1")
    origin = Origin.of(world)
    scale(origin, 1)
    world.once().expect(0)
    return origin


def scale(origin: Origin, replicas: int) -> str:
    """Release the next version, with so many instances of what starts first; returns the commit."""
    world = origin.world
    (tag,) = set(world.images_of("web", "queue"))
    world.write(
        "docker-compose.yml", OTHER_KINDS.format(port=world.url.rpartition(":")[2], replicas=replicas)
    )
    return origin.release(web=NEXT[tag], queue=NEXT[tag])


@dataclass(frozen=True, slots=True)
class Scaled:
    """A release that scales one of its services up to 2, or down to 1."""

    replicas: int

    @contextmanager
    def __call__(self, origin: Origin, _kind: Kind) -> Iterator[str]:
        world = origin.world
        if sum(one.service == "queue" for one in world.containers()) == self.replicas:
            scale(origin, 3 - self.replicas)
            world.once().expect(0)
        yield scale(origin, self.replicas)


@contextmanager
def unstartable(origin: Origin, kind: Kind) -> Iterator[str]:
    """A release whose port-holder cannot be started: what joins it was not switched yet, and returns too."""
    world = origin.world
    bad = world.images.elsewhere("web:2", UNSTARTABLE)
    (tag,) = set(world.images_of("web", "queue"))
    yield origin.release(web=f"{world.images.registry.address}/{bad}", queue=NEXT[tag])
    taken_back(origin, kind)


UP = (
    *("step.ready", "step.start", "step.start#2", "step.restart"),
    *("compose.create", "engine.untag", "engine.start#4"),
)
DOWN = ("step.stop", "step.switch#2", "engine.untag", "engine.stop#4", "engine.rename#3")
BACK = ("step.stop", "step.start#2", "step.restore", "step.restore#2", "step.restart", "engine.stop#3")
OF_OTHER_KINDS = (
    Scene(Kind.GOOD, Scaled(2), UP),
    Scene(Kind.GOOD, Scaled(1), DOWN),
    Scene(Kind.BAD, unstartable, BACK),
)
