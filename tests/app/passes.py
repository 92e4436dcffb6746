"""A scene with its Git repository: whole passes, as `--once` makes them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.adapters.calendar import CronCalendar
from reconciler.adapters.state_files import YamlStateFiles
from reconciler.app.converge import Reconciler
from reconciler.app.data_care import DataCare, NoData
from reconciler.app.desired import DesiredState
from reconciler.app.release import Pins
from reconciler.domain.policy import Limits
from reconciler.domain.report import Report, Result
from reconciler.errors import InvalidState
from tests.app.scene import Scene
from tests.bed.fake_journal import FakeJournal
from tests.bed.fake_outbox import FakeOutbox
from tests.bed.fake_outside import FakeLock
from tests.bed.fake_repository import FakeRepository
from tests.bed.fake_turns import FakeLeases, FakePauses

FOLDER = "state"
PINS = "state/production/compose.pins.yaml"
SETTINGS = """\
version: 1
environments:
  production:
    pins: production/compose.pins.yaml
    project: shop
    directory: .
    compose: [compose.yaml]
"""


def pins_text(pins: dict[str, str]) -> str:
    """A pins file, as people write it."""
    lines = [f"  {name}:\n    image: {reference}\n" for name, reference in sorted(pins.items())]
    return "# what runs\nservices:\n" + "".join(lines) if lines else "# what runs\nservices: {}\n"


@dataclass(slots=True)
class Passes:
    """One environment, from Git to the host."""

    scene: Scene
    repository: FakeRepository = field(default_factory=FakeRepository)
    journal: FakeJournal = field(default_factory=FakeJournal)
    lock: FakeLock = field(default_factory=FakeLock)
    leases: FakeLeases = field(default_factory=FakeLeases)
    limits: Limits = field(default_factory=Limits)
    pauses: FakePauses = field(default_factory=FakePauses)
    parachute: bool = True
    own: str = ""
    approved: bool = False
    restless: Mapping[str, str] = field(default_factory=dict)
    outbox: FakeOutbox | None = None
    care: DataCare = field(default_factory=NoData)

    def __post_init__(self) -> None:
        self.repository.checked_out = self._checked_out
        if not self.repository.line:
            self.repository.put({"state/reconcile.yaml": SETTINGS}, "Begin")
            self.commit("First release")

    def commit(self, message: str = "Release") -> str:
        """Commit the scene's pins; returns the commit's id."""
        return self.repository.put({PINS: pins_text(self.scene.world.pins)}, message).commit

    def release(self, message: str = "", **versions: str) -> str:
        """Move pins, and commit them."""
        self.scene.release(**versions)
        return self.commit(message or " ".join(f"{name} {version}" for name, version in versions.items()))

    @property
    def desired(self) -> DesiredState:
        return DesiredState(
            self.repository, YamlStateFiles(), self.scene.world, FOLDER, allowed_powers=("hooks:host",)
        )

    @property
    def reconciler(self) -> Reconciler:
        return Reconciler(
            self.scene.env,
            self.desired,
            self.scene.host,
            self.journal,
            self.lock,
            self.leases,
            self.limits,
            pauses=self.pauses,
            calendar=CronCalendar(),
            parachute=self.parachute,
            own=self.own,
            approved=self.approved,
            restless=self.restless,
            outbox=self.outbox,
            care=self.care,
        )

    def once(self) -> Report:
        """One pass."""
        return self.reconciler.run_once()

    def up(self) -> Passes:
        """The environment once everything runs, its calls and steps forgotten."""
        assert self.once().result is Result.CONVERGED
        self.scene.world.calls.clear()
        self.scene.steps.clear()
        return self

    @property
    def pins(self) -> Pins:
        return Pins(self.repository, YamlStateFiles(), self.scene.registry, self.desired)

    def pinned(self) -> dict[str, str]:
        """The tags that HEAD pins."""
        text = self.repository.read(self.repository.head(), PINS)
        return {pin.service: pin.image.tag for pin in YamlStateFiles().pins(text, PINS)}

    def commits(self) -> list[str]:
        """The subjects of all commits, the oldest first."""
        return [one.commit.subject for one in self.repository.line]

    def _checked_out(self, files: Mapping[str, str]) -> None:
        """The work tree follows HEAD: Compose reads its pins there."""
        with contextlib.suppress(InvalidState, KeyError):
            pins = YamlStateFiles().pins(files[PINS], PINS)
            self.scene.world.pins = {pin.service: str(pin.image) for pin in pins}

    @property
    def pins_file(self) -> Path:
        return self.repository.top / PINS
