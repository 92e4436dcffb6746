"""One container of the fake world, and what time and the engine do to it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from reconciler.domain.desired import Service
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Health, Instance, State, Vitals

NEVER = 10**9


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What containers of one image do. A look is one `Engine.inspect` since the last start.

    `crashes` is the exit code with which they end at once, or at look `crashes_after`; a restart policy
    brings them back, and they crash again. `healthy_after` is the look at which a HEALTHCHECK turns
    healthy (None: the image has none), `unhealthy_after` the one at which it fails. `refuses` is why they
    cannot be started at all. `volumes` are destinations of anonymous volumes, `logs` is what they write.
    """

    crashes: int | None = None
    crashes_after: int = 0
    healthy_after: int | None = None
    unhealthy_after: int = NEVER
    refuses: str = ""
    volumes: tuple[str, ...] = ()
    logs: str = ""


@dataclass(slots=True)
class Container:
    """What the world knows of one container; tests may read and change it."""

    id: str
    name: str
    project: str
    service: Service
    number: int
    config_hash: str
    image: str
    policy: str
    behaviour: Behaviour
    compose_version: str
    template: bool = False
    network_of: str = ""
    volumes: dict[str, str] = field(default_factory=dict)
    state: State = State.CREATED
    exit_code: int = 0
    error: str = ""
    restarts: int = 0
    starts: int = 0
    looks: int = 0
    joined_start: int = 0
    stopped_by_hand: bool = False

    @property
    def up(self) -> bool:
        """Whether it runs, or is about to again."""
        return self.state in (State.RUNNING, State.RESTARTING)

    @property
    def health(self) -> Health:
        """What its HEALTHCHECK says by now."""
        if self.behaviour.healthy_after is None or not self.up:
            return Health.NONE
        if self.looks >= self.behaviour.unhealthy_after:
            return Health.UNHEALTHY
        return Health.HEALTHY if self.looks >= self.behaviour.healthy_after else Health.STARTING

    def run(self) -> None:
        """Its process begins; an image that crashes at once is gone already."""
        self.starts += 1
        self.state, self.exit_code, self.error, self.looks = State.RUNNING, 0, "", 0
        self.stopped_by_hand = False
        if self.behaviour.crashes is not None and not self.behaviour.crashes_after:
            self.end(self.behaviour.crashes)

    def end(self, exit_code: int, *, by_hand: bool = False) -> None:
        """Its process ends."""
        self.state, self.exit_code, self.stopped_by_hand = State.EXITED, exit_code, by_hand

    def look(self) -> None:
        """Time passes by being watched."""
        self.looks += 1
        crashes = self.behaviour.crashes
        if crashes is not None and self.up and self.looks >= max(self.behaviour.crashes_after, 1):
            self.end(crashes)
        self.obey_policy()

    def obey_policy(self) -> None:
        """Come back, where the restart policy says so. Like a real crash-looper it then reads `running`."""
        if self.state is not State.EXITED or not self.starts or self.stopped_by_hand:
            return
        name, _, most = self.policy.partition(":")
        enough = int(most or 0) and self.restarts >= int(most)
        if name == "no" or (name == "on-failure" and (self.exit_code == 0 or enough)):
            return
        self.restarts += 1
        self.starts += 1
        self.state = State.RUNNING

    def after_engine_restart(self) -> None:
        """Who comes back: `always` even when stopped by hand, but never what was only created."""
        ran = self.up
        if ran:
            self.end(0)
        if self.state is State.EXITED and (self.policy == "always" or (ran and self.policy != "no")):
            self.run()

    def instance(self) -> Instance:
        """Its entry in the engine's list."""
        return Instance(
            id=self.id,
            name=self.name,
            service=self.service.name,
            number=self.number,
            config_hash=self.config_hash,
            image=self.image,
            image_id=image_id(self.image),
            state=self.state,
            health=self.health,
            exit_code=self.exit_code if self.state is State.EXITED else 0,
            made_from=image_id(self.image),
            network_of=self.network_of,
            compose_version=self.compose_version,
            template=self.template,
        )

    def vitals(self) -> Vitals:
        """The engine's closer look."""
        return Vitals(
            id=self.id,
            name=self.name,
            state=self.state,
            health=self.health,
            exit_code=self.exit_code,
            restart_count=self.restarts,
            started_at=f"start {self.starts}" if self.starts else "",
            oom_killed=False,
            error=self.error,
            image=self.image,
            image_id=image_id(self.image),
            restart_policy=self.policy,
        )


def image_id(reference: str) -> str:
    """The id that the image of a reference has in every world; the digest alone decides."""
    return f"sha256:{hashed('image', local_name(reference))}"


def local_name(reference: str) -> str:
    """What the engine looks for: `repository@digest`, or the reference where it has no digest."""
    try:
        image = ImageRef.parse(reference)
    except ValueError:
        return reference
    return image.by_digest if image.digest else reference


def hashed(*parts: str) -> str:
    """64 hexadecimal digits, as ids and hashes have."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
