"""Words to the service manager, on real sockets."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.interface.service.sd_notify import ServiceManager
from tests.bed.service_manager import Manager, addresses, manager
from tests.interface.values import HOSTILE

PID = os.getpid()


@pytest.fixture(params=[0, 1], ids=["a path", "an abstract name"])
def listening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    with manager(addresses(tmp_path)[request.param]) as there:
        yield there


@pytest.fixture
def service(listening: Manager) -> ServiceManager:
    return ServiceManager.of(listening.environ(), PID)


def test_every_word_is_one_datagram(listening: Manager, service: ServiceManager) -> None:
    assert service.ready("production: synced")
    assert service.status("production: out-of-sync")
    assert service.alive()
    assert service.stopping("finishing")
    assert service.needs_longer(30.0)
    assert listening.told() == [
        {"READY": "1", "STATUS": "production: synced"},
        {"STATUS": "production: out-of-sync"},
        {"WATCHDOG": "1"},
        {"STOPPING": "1", "STATUS": "finishing"},
        {"EXTEND_TIMEOUT_USEC": "30000000"},
    ]


def test_a_reload_carries_the_monotonic_time_at_which_it_began(
    listening: Manager, service: ServiceManager
) -> None:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    service.reloading()
    service.ready()
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    reloading, ready = listening.told()
    assert (reloading["RELOADING"], ready) == ("1", {"READY": "1"})
    assert before <= int(reloading["MONOTONIC_USEC"]) <= after


@pytest.mark.parametrize("words", [HOSTILE, "all is well\nMAINPID=1\nREADY=1", "\udcff"])
def test_a_status_cannot_become_another_word(listening: Manager, service: ServiceManager, words: str) -> None:
    service.status(words)
    (told,) = listening.told()
    assert list(told) == ["STATUS"]
    assert told["STATUS"].isprintable()


def test_a_status_of_nothing_is_not_sent(listening: Manager, service: ServiceManager) -> None:
    assert not service.status("")
    assert listening.told() == []


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}])
def test_without_a_manager_nothing_is_told(environ: dict[str, str]) -> None:
    service = ServiceManager.of({**environ, "WATCHDOG_USEC": "1000000"}, PID)
    assert service == ServiceManager()
    assert not service.ready()
    assert not service.alive()


def test_a_manager_that_is_gone_ends_nothing(tmp_path: Path) -> None:
    assert not ServiceManager(str(tmp_path / "gone")).ready()
    assert not ServiceManager(f"/{'x' * 200}").ready()


def test_a_manager_that_does_not_read_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.interface.service.sd_notify.PATIENCE_SECONDS", 0.05)
    with manager(str(tmp_path / "notify")) as full:
        full.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        service = ServiceManager(full.address)
        assert any(not service.status("x" * 200) for _ in range(1000))


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({"WATCHDOG_USEC": "90000000"}, 90.0),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": str(PID)}, 90.0),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({}, 0.0),
    ],
)
def test_how_long_the_watchdog_waits(environ: dict[str, str], seconds: float) -> None:
    assert ServiceManager.of({"NOTIFY_SOCKET": "/notify", **environ}, PID).watchdog_seconds == seconds
