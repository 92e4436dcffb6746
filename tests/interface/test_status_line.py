"""Where every environment stands, in one line for the service manager."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.domain.report import EnvironmentHealth, Report, Result, Sync
from reconciler.domain.triggers import Cause, Wake
from reconciler.errors import EngineUnreachable, InvalidSettings
from reconciler.interface.service.sd_notify import ServiceManager
from reconciler.interface.service.status_line import StatusLine
from tests.bed.service_manager import Manager, manager
from tests.interface import values as v

START = [Wake(Cause.START)]
GOOD = replace(v.report(Result.NO_OP, v.plan(v.entry("web"))), revision=v.revision())
GONE = EngineUnreachable("the engine does not answer")


@dataclass
class Heard:
    """A log that keeps what it is told."""

    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def begins(self, *told: Any) -> None:
        self.calls.append(("begins", *told))

    def ended(self, *told: Any) -> None:
        self.calls.append(("ended", *told))

    def note(self, *told: Any) -> None:
        self.calls.append(("note", *told))

    def failed(self, *told: Any) -> None:
        self.calls.append(("failed", *told))


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Manager]:
    with manager(str(tmp_path / "notify")) as there:
        yield there


def line(listening: Manager, log: Heard | None = None) -> StatusLine:
    return StatusLine(ServiceManager(listening.address), log or Heard())


def said(listening: Manager) -> list[str]:
    return [told["STATUS"] for told in listening.told()]


def report(name: str = "production", **changed: Any) -> Report:
    return replace(GOOD, environment=name, **changed)


def test_all_environments_are_in_one_line(listening: Manager) -> None:
    status = line(listening)
    status.begins("production", START)
    status.ended(report(), 60.0)
    degraded = report("demo", sync=Sync.OUT_OF_SYNC, health=EnvironmentHealth.DEGRADED)
    status.ended(degraded, 60.0)
    assert said(listening) == [
        "production: the first pass is under way",
        "production: synced, healthy, main@8f3c2d1",
        "demo: out-of-sync, degraded, main@8f3c2d1; production: synced, healthy, main@8f3c2d1",
    ]


def test_what_stays_the_same_is_not_said_again(listening: Manager) -> None:
    status = line(listening)
    for _ in range(3):
        status.begins("production", START)
        status.ended(report(), 60.0)
    assert len(said(listening)) == 2


def test_what_went_wrong_is_said_until_it_is_over(listening: Manager) -> None:
    status = line(listening)
    status.failed("", InvalidSettings("reconcile.yaml cannot be read"), 60.0)
    status.failed("production", GONE, 4.0)
    status.ended(report(result=Result.FAILED, error=GONE, sync=Sync.UNKNOWN, revision=None), 4.0)
    assert said(listening) == [
        "reconcile: reconcile.yaml cannot be read",
        "production: the engine does not answer",
        "production: unknown, healthy (the engine does not answer)",
    ]


def test_everything_is_passed_on(listening: Manager) -> None:
    log = Heard()
    status = line(listening, log)
    status.begins("production", START)
    status.note("production", "a note")
    status.failed("production", GONE, 4.0)
    status.ended(GOOD, 60.0)
    assert log.calls == [
        ("begins", "production", START),
        ("note", "production", "a note"),
        ("failed", "production", GONE, 4.0),
        ("ended", GOOD, 60.0),
    ]
