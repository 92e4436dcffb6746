"""The daemon as a service of a real systemd, with the unit as it is installed, user and sandbox included."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bed.real_systemd import Systemd
from tests.bed.tools import BedError, wait_until
from tests.e2e.gated import STACK
from tests.e2e.images import Images
from tests.e2e.world import World, await_answer, published

TOP = Path(__file__).parents[2]
PACKAGED = TOP / "packaging/systemd"
PYTHON = Path(sys.executable).resolve()
PROGRAM = f"""#!/opt/python/{PYTHON.relative_to(Path(sys.base_prefix).resolve())}
import sys
sys.path[:0] = ["/opt/program", "/opt/packages"]
from reconciler.interface.cli.main import main
main()
"""
BITES_SECONDS = 3
TOKEN = "nothing-that-anybody-prints"


@dataclass(frozen=True)
class Service:
    """The daemon under systemd, over a world."""

    systemd: Systemd
    world: World

    def systemctl(self, *arguments: str) -> None:
        self.systemd.run("systemctl", *arguments, "reconcile")

    def show(self, name: str) -> str:
        return self.systemd.show("reconcile", name)

    def journal(self) -> list[dict[str, str]]:
        """What the service wrote."""
        lines = self.systemd.run("journalctl", "--unit=reconcile", "--output=json").splitlines()
        return [json.loads(line) for line in lines]

    def levels(self, words: str) -> set[str]:
        """The levels of the lines that say something."""
        return {line["PRIORITY"] for line in self.journal() if words in line["MESSAGE"]}

    def await_status(self, words: str) -> None:
        try:
            wait_until(
                lambda: words in self.show("StatusText"), seconds=30, what=f"the status says {words!r}"
            )
        except BedError as error:
            said = "\n".join(line["MESSAGE"] for line in self.journal()[-20:])
            raise BedError(f"{error}; it says {self.show('StatusText')!r}\n{said}") from error


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Neither in /tmp nor in a home: a service does not see these."""
    folder = Path(tempfile.mkdtemp(prefix="service-", dir=Path(os.environ["RECONCILE_BED_ENGINES"]).parent))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def service(images: Images, place: Path) -> Iterator[Service]:
    socket = os.environ["DOCKER_HOST"].removeprefix("unix://")
    packages = sysconfig.get_path("purelib")
    with World(place, images) as world:
        port, world.url = published()
        world.settings["rollback"] = {"git": "off"}
        world.stack(STACK.format(port=port), web="web:1", worker="web:1")
        binds = [
            f"{sys.base_prefix}=/opt/python",
            f"{place}={place}",
            f"{socket}=/run/docker.sock",
            f"{TOP}=/opt/program",
            f"{packages}=/opt/packages",
        ]
        with Systemd(binds) as systemd:
            install(systemd, world)
            yield Service(systemd, world)


def install(systemd: Systemd, world: World) -> None:
    """As docs/running.md says, with a drop-in for what is where on this machine."""
    systemd.write("/usr/local/bin/reconcile", PROGRAM, 0o755)
    systemd.write("/etc/sysusers.d/reconcile.conf", (PACKAGED / "reconcile.sysusers.conf").read_text())
    systemd.run("systemd-sysusers")
    for unit in ("reconcile.service", "reconcile@.service"):
        systemd.write(f"/etc/systemd/system/{unit}", (PACKAGED / unit).read_text())
    systemd.write("/etc/reconcile/credentials/probe_token", f"{TOKEN}\n", 0o600)
    configure(systemd, f"WorkingDirectory={world.repository}")
    systemd.run("systemctl", "start", "systemd-journald")
    world.git("config", "--global", "--add", "safe.directory", "*")
    systemd.run("chown", "--recursive", "reconcile", str(world.repository))


def configure(systemd: Systemd, *lines: str) -> None:
    """The drop-in, as an administrator writes it."""
    here = [
        "[Service]",
        "Environment=DOCKER_CONFIG=/opt/program/.bed/docker-config",
        "LoadCredential=probe_token:/etc/reconcile/credentials/probe_token",
        "Environment=PROBE_TOKEN_FILE=%d/probe_token",
        f"WatchdogSec={BITES_SECONDS}s",
        "RestartSec=1s",
        *lines,
    ]
    for unit in ("reconcile.service", "reconcile@.service"):
        systemd.write(f"/etc/systemd/system/{unit}.d/here.conf", "\n".join(here) + "\n")
    systemd.run("systemctl", "daemon-reload")


@pytest.fixture
def running(service: Service) -> Service:
    """The service, up, and with nothing to do."""
    service.world.settings["gate"]["soak"] = "0s"
    service.world.release(web="web:1")
    service.systemctl("start")
    service.await_status("production: synced, healthy")
    await_answer(service.world.url, "version=1")
    return service


def test_it_is_up_when_start_comes_back(service: Service) -> None:
    service.systemctl("restart")
    assert (service.show("ActiveState"), service.show("SubState")) == ("active", "running")


def test_it_releases_from_inside_its_sandbox(running: Service) -> None:
    running.world.release(web="web:2")
    await_answer(running.world.url, "version=2")
    revision = running.world.git("rev-parse", "--short=7", "HEAD")
    running.await_status(f"production: synced, healthy, main@{revision}")
    running.world.expect_no_leftovers()


def test_it_is_not_root(running: Service) -> None:
    status = running.systemd.run("cat", f"/proc/{running.show('MainPID')}/status")
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert "0" not in lines["Uid"].split()
    assert (lines["CapEff"].strip("0"), lines["NoNewPrivs"], lines["Seccomp"]) == ("", "1", "2")


def test_a_credential_is_a_file_that_its_user_alone_can_read(running: Service) -> None:
    pid = running.show("MainPID")
    environ = running.systemd.run("cat", f"/proc/{pid}/environ").split("\0")
    (file,) = (entry.partition("=")[2] for entry in environ if entry.startswith("PROBE_TOKEN_FILE="))
    inside = ("nsenter", f"--target={pid}", "--mount", "--root", "setpriv", "--clear-groups")
    assert running.systemd.run(*inside, "--reuid=reconcile", "cat", file).strip() == TOKEN
    assert running.systemd.run(*inside, "--reuid=nobody", "cat", file, check=False) == ""
    assert TOKEN not in "".join(environ)


def test_the_journal_has_each_line_with_its_level(running: Service) -> None:
    running.world.release(web="web:crash")
    wait_until(lambda: "4" in running.levels("rolled-back"), seconds=30, what="a warning is in the journal")
    assert running.levels("begins") == {"6"}
    assert all(line["MESSAGE"][0] != "<" for line in running.journal())


def test_a_reload_is_one_that_ends(running: Service) -> None:
    running.systemctl("reload")
    wait_until(lambda: running.levels("SIGHUP") == {"6"}, seconds=20, what="the signal is caught")
    wait_until(lambda: running.show("ActiveState") == "active", seconds=20, what="it is back")


def test_one_that_hangs_is_killed_by_the_watchdog_and_started_again(running: Service) -> None:
    before = running.show("MainPID")
    running.systemd.run("kill", f"-{signal.SIGSTOP.name}", before)

    def another() -> bool:
        return running.show("ActiveState") == "active" and running.show("MainPID") not in ("0", before)

    wait_until(another, seconds=60, what="there is another one")
    assert running.show("NRestarts") != "0"
    running.world.release(web="web:2")
    await_answer(running.world.url, "version=2")


def test_stopped_while_a_gate_is_open_it_undoes_the_release_and_that_is_no_failure(running: Service) -> None:
    running.world.settings["gate"]["soak"] = "60s"
    running.world.release(web="web:2")
    await_answer(running.world.url, "version=2")
    running.systemctl("stop")
    assert (running.show("ActiveState"), running.show("Result")) == ("inactive", "success")
    assert running.world.images_of("web") == ["1"]
    running.world.expect_no_leftovers()


def test_one_environment_is_a_service_as_well(service: Service) -> None:
    service.systemctl("stop")
    service.world.settings["gate"]["soak"] = "0s"
    service.world.release(web="web:3")
    service.systemd.run("systemctl", "start", "reconcile@production")
    try:
        await_answer(service.world.url, "version=3")
    finally:
        service.systemd.run("systemctl", "stop", "reconcile@production")
    assert service.systemd.show("reconcile@production", "Result") == "success"


def test_with_a_repository_of_its_own_it_needs_nothing_but_watch_yaml(service: Service) -> None:
    world, remote = service.world, service.world.root / "origin.git"
    service.systemctl("stop")
    world.settings["gate"]["soak"] = "0s"
    world.release(web="web:1")
    world.git("clone", "--quiet", "--bare", ".", str(remote))
    world.git("remote", "add", "origin", str(remote))
    service.systemd.run("chown", "--recursive", "reconcile", str(remote))
    watched = f"version: 1\nrepository: {{url: 'file://{remote}', branch: main}}\npoll: 1s\n"
    service.systemd.write("/etc/reconcile/watch.yaml", watched)
    configure(service.systemd)
    service.systemctl("start")
    await_answer(world.url, "version=1")
    world.release(web="web:2")
    world.git("push", "--quiet", "origin", "main")
    await_answer(world.url, "version=2")
    service.await_status(f"production: synced, healthy, {world.git('rev-parse', '--short=7', 'HEAD')}")
    service.systemctl("stop")
    world.expect_no_leftovers()
