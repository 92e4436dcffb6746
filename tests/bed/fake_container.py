"""One container of the fake world, and what time and the engine do to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.domain.desired import Service
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Health, Instance, State, Usage, Vitals
from reconciler.errors import EngineFailed

NEVER = 10**9
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What containers of one image do. A look is one `Engine.inspect` since the last start.

    `crashes` is the exit code with which they end at once, or at look `crashes_after`; a restart policy
    brings them back, and they crash again. `healthy_after` is the look at which a HEALTHCHECK turns
    healthy (None: the image has none), `unhealthy_after` the one at which it fails. `refuses` is why they
    cannot be started at all. `volumes` are destinations of anonymous volumes.

    `logs` is what they write when they start; a tuple is written one by one, the first at the start and
    one more with each look; a function is asked at the start (0) and at each look (its number).
    `commands` says what programs inside them answer, `hanging` which never end; others are not there.
    `contract` is what the image's label says about data.
    `memory_bytes` and `cpu_seconds` say what they use at the nth measurement (from 1) since the last start.
    """

    crashes: int | None = None
    crashes_after: int = 0
    healthy_after: int | None = None
    unhealthy_after: int = NEVER
    refuses: str = ""
    volumes: tuple[str, ...] = ()
    logs: str | tuple[str, ...] | Callable[[int], str] = ""
    commands: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    hanging: tuple[str, ...] = ()
    memory_bytes: Callable[[int], int] = lambda measurement: 10 * MIB
    memory_limit_bytes: int = 0
    cpu_seconds: Callable[[int], float] = lambda measurement: 0.01 * measurement
    cpus: float = 0.0
    contract: str = ""

    def writes(self, look: int) -> str:
        """What they write at a look since their start, 0 being the start itself."""
        match self.logs:
            case str():
                return self.logs if look == 0 else ""
            case tuple():
                return f"{self.logs[look]}\n" if look < len(self.logs) else ""
            case _:
                return self.logs(look)


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
    started_at: datetime | None = None
    looks: int = 0
    measurements: int = 0
    written: list[tuple[datetime, str]] = field(default_factory=list)
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

    def run(self, now: datetime) -> None:
        """Its process begins; an image that crashes at once is gone already."""
        self._begin(now)
        self.exit_code, self.error, self.looks = 0, "", 0
        self.stopped_by_hand = False
        if self.behaviour.crashes is not None and not self.behaviour.crashes_after:
            self.end(self.behaviour.crashes)

    def end(self, exit_code: int, *, by_hand: bool = False) -> None:
        """Its process ends."""
        self.state, self.exit_code, self.stopped_by_hand = State.EXITED, exit_code, by_hand

    def look(self, now: datetime) -> None:
        """Time passes by being watched."""
        self.looks += 1
        if self.up:
            self._write(self.looks, now)
        crashes = self.behaviour.crashes
        if crashes is not None and self.up and self.looks >= max(self.behaviour.crashes_after, 1):
            self.end(crashes)
        self.obey_policy(now)

    def obey_policy(self, now: datetime) -> None:
        """Come back, where the restart policy says so. Like a real crash-looper it then reads `running`."""
        if self.state is not State.EXITED or not self.starts or self.stopped_by_hand:
            return
        name, _, most = self.policy.partition(":")
        enough = int(most or 0) and self.restarts >= int(most)
        if name == "no" or (name == "on-failure" and (self.exit_code == 0 or enough)):
            return
        self.restarts += 1
        self._begin(now)

    def after_engine_restart(self, now: datetime) -> None:
        """Who comes back: `always` even when stopped by hand, but never what was only created."""
        ran = self.up
        if ran:
            self.end(0)
        if self.state is State.EXITED and (self.policy == "always" or (ran and self.policy != "no")):
            self.run(now)

    def logged(self, lines: int, since: datetime | None) -> str:
        """The last lines that it wrote, of those since then."""
        written = [line for at, line in self.written if since is None or at >= since]
        return "".join(written[-lines:])

    def execute(self, command: Sequence[str], time_limit_seconds: float) -> tuple[int, str]:
        """Run a program inside."""
        program = command[0]
        doing = f"could not run {program} in container {self.name}"
        if self.state is not State.RUNNING:
            raise EngineFailed(f"{doing}: it is not running")
        if program in self.behaviour.hanging:
            raise EngineFailed(f"{doing}: it did not end within {time_limit_seconds:g} s")
        if program not in self.behaviour.commands:
            raise EngineFailed(f"{doing}: executable file not found")
        exit_code, output = self.behaviour.commands[program]
        return exit_code, output[-4096:]

    def measure(self) -> Usage | None:
        """What it uses."""
        if self.state not in (State.RUNNING, State.PAUSED):
            return None
        self.measurements += 1
        return Usage(
            memory_bytes=self.behaviour.memory_bytes(self.measurements),
            memory_limit_bytes=self.behaviour.memory_limit_bytes,
            cpu_seconds=self.behaviour.cpu_seconds(self.measurements),
            cpus=self.behaviour.cpus,
        )

    def description(self) -> str:
        """A few facts, in the engine's form."""
        facts = {
            "Id": self.id,
            "Name": f"/{self.name}",
            "Config": {"Image": self.image},
            "State": {"Status": str(self.state), "ExitCode": self.exit_code},
        }
        return json.dumps(facts, indent=2, sort_keys=True)

    def _begin(self, now: datetime) -> None:
        self.starts += 1
        self.started_at = now + timedelta(microseconds=self.starts)  # no two starts are at the same time
        self.state, self.measurements = State.RUNNING, 0
        self._write(0, now)

    def _write(self, look: int, now: datetime) -> None:
        self.written += [(now, line) for line in self.behaviour.writes(look).splitlines(keepends=True)]

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
            contract=self.behaviour.contract,
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
            started_at=self.started_at.isoformat() if self.started_at else "",
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
