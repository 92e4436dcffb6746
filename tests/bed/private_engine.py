"""A Docker engine of one's own, to kill, to fill up, to cut off: its own network, data and sockets.

It lives in a network namespace, because two engines in one would rewrite each other's firewall. Its
loopback is therefore not ours: `listener` brings something of ours into it, `connect` reaches its ports.
"""

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket as net
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bed.tools import BedError, docker, run, terminate, wait_until

CLONE_NEWNET = 0x40000000
ATTEMPTS = 5


class Cut(StrEnum):
    """What becomes of packets that do not get through, in the words of iptables."""

    SILENT = "--jump DROP"
    REFUSED = "--jump REJECT --reject-with tcp-reset"
    LOSSY = "--match statistic --mode random --probability 0.3 --jump DROP"


class PrivateEngine:
    """Start a private dockerd; with `megabytes`, its data is on a file system of that size.

    >>> with PrivateEngine(megabytes=70) as engine:
    ...     proxy = FaultProxy(registry.address, listener=engine.listener(registry.port))
    ...     docker("pull", f"{registry.address}/web:1", host=engine.host)
    """

    def __init__(self, *, megabytes: int | None = None, options: tuple[str, ...] = ()) -> None:
        self.name = f"reconcile-{secrets.token_hex(3)}"
        self.megabytes = megabytes
        self.options = options
        self._home: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if os.geteuid() != 0:
            raise BedError("an engine of one's own takes root: run the tests as root")
        self._home = make_home(self.name)
        try:
            run("ip", "netns", "add", self.name)
            run(*self.inside, "ip", "link", "set", "lo", "up")
            if self.megabytes is not None:
                self._mount(self.megabytes)
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def home(self) -> Path:
        if self._home is None:
            raise BedError("the engine is used outside of its `with`")
        return self._home

    @property
    def socket(self) -> Path:
        return self.home / "docker.sock"

    @property
    def host(self) -> str:
        return f"unix://{self.socket}"

    @property
    def data(self) -> Path:
        """The data root, which is the small file system where there is one."""
        return self.home / "data"

    @property
    def log(self) -> str:
        return (self.home / "log").read_text(errors="replace")

    @property
    def pid(self) -> int:
        if self._process is None:
            raise BedError("the engine does not run")
        return self._process.pid

    def start(self) -> None:
        """Start, also again after `kill` or `stop`."""
        # After a SIGKILL the left containerd may be neither usable nor gone for a moment: dockerd gives up.
        for _ in range(ATTEMPTS):
            self._forget_dead_containerd()
            self._launch()
            with contextlib.suppress(_EndedError):
                wait_until(self._answers, seconds=60, what=f"engine {self.name} answers")
                return
        raise BedError(f"dockerd ended {ATTEMPTS} times:\n{self.log[-2000:]}")

    def stop(self) -> None:
        """Stop in good order: containers are stopped, too."""
        if self._process is not None:
            terminate(self._process, seconds=30)
            self._process = None

    def kill(self, *, containerd: bool = False) -> None:
        """SIGKILL dockerd, and its containerd as well if asked to; containers go on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            time.sleep(0.1)  # The kernel ends a containerd that is dockerd's child along with it.
        if containerd:
            self._signal_containerd(signal.SIGKILL)

    def listener(self, port: int = 0) -> net.socket:
        """A listening socket on the engine's own loopback, served by our process."""
        return self._inside(lambda: net.create_server(("127.0.0.1", port), backlog=128))

    def connect(self, port: int) -> net.socket:
        """A connection to a port of the engine's own loopback, such as one a container publishes."""
        return self._inside(lambda: net.create_connection(("127.0.0.1", port), timeout=10))

    @property
    def inside(self) -> tuple[str, ...]:
        """What starts a command in the engine's network, when it is written in front of it."""
        return ("nsenter", f"--net={self._namespace}")

    @contextlib.contextmanager
    def cut_off(self, port: int, *, how: Cut = Cut.SILENT) -> Iterator[None]:
        """For a while nothing gets through to this port of the engine's own loopback."""
        rule = ("OUTPUT", "--protocol", "tcp", "--dport", str(port), *how.split())
        run(*self.inside, "iptables", "--insert", *rule)
        try:
            yield
        finally:
            run(*self.inside, "iptables", "--delete", *rule)

    def close(self) -> None:
        """Remove everything this engine brought: containers, processes, mounts, namespace, files."""
        if self._home is None:
            return
        self._remove_containers()
        self.stop()
        self._signal_containerd(signal.SIGKILL)
        self._kill_shims()
        for mount in reversed(mounts_under(self._home)):
            subprocess.run(["umount", "--lazy", mount], check=False)
        subprocess.run(["ip", "netns", "delete", self.name], check=False, capture_output=True)
        shutil.rmtree(self._home)
        self._home = None

    @property
    def _namespace(self) -> str:
        return f"/run/netns/{self.name}"

    def _mount(self, megabytes: int) -> None:
        disk = self.home / "disk.ext4"
        with disk.open("wb") as file:
            file.truncate(megabytes * 1024 * 1024)
        run("mkfs.ext4", "-q", "-F", "-m", "0", disk)
        self.data.mkdir()
        run("mount", "-o", "loop", disk, self.data)

    def _launch(self) -> None:
        # Not `ip netns exec`: it hides the cgroup mounts, and dockerd refuses to start without them.
        command = [*self.inside, "dockerd", f"--host={self.host}"]
        command += [f"--data-root={self.data}", f"--exec-root={self.home / 'exec'}"]
        command += [f"--pidfile={self.home / 'docker.pid'}", *self.options]
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise _EndedError
        try:
            docker("version", host=self.host, timeout=10)
        except (BedError, subprocess.TimeoutExpired):
            return False
        return True

    def _inside(self, make: Callable[[], net.socket]) -> net.socket:
        """Make a socket in the engine's namespace, in a thread: a socket stays where it was made."""
        made: list[net.socket] = []
        errors: list[OSError] = []

        def enter_and_make() -> None:
            try:
                with Path(self._namespace).open() as namespace:
                    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), f"cannot enter {self._namespace}")
                made.append(make())
            except OSError as error:
                errors.append(error)

        thread = threading.Thread(target=enter_and_make)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return made[0]

    def _remove_containers(self) -> None:
        with contextlib.suppress(BedError, subprocess.TimeoutExpired):
            if self._process is None:
                self.start()
            if found := docker("ps", "--all", "--quiet", host=self.host, timeout=20).split():
                docker("rm", "--force", "--volumes", *found, host=self.host, timeout=60)

    def _signal_containerd(self, number: signal.Signals) -> None:
        pidfile = self.home / "exec/containerd/containerd.pid"
        with contextlib.suppress(OSError, ValueError):
            pid = int(pidfile.read_text())
            if str(self.home) in command_line(pid):
                os.kill(pid, number)

    def _forget_dead_containerd(self) -> None:
        """Spare us the 15 s that dockerd waits for a containerd that died with it and is not reaped yet."""
        pidfile = self.home / "exec/containerd/containerd.pid"
        with contextlib.suppress(OSError, ValueError):
            if not command_line(int(pidfile.read_text())):  # Gone, or a zombie.
                pidfile.unlink()

    def _kill_shims(self) -> None:
        """What is left when the engine could not be asked any more: shims, and the containers under them."""
        parents = dict(processes())
        shims = {pid for pid in parents if str(self.home / "exec") in command_line(pid)}
        doomed = shims | {pid for pid, parent in parents.items() if parent in shims}
        for pid in doomed:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


class _EndedError(Exception):
    """The dockerd that was being waited for has ended."""


def make_home(name: str) -> Path:
    """Where scripts/bed finds what a killed test run leaves behind, or else a temporary directory."""
    engines = os.environ.get("RECONCILE_BED_ENGINES")
    home = Path(engines) / name if engines else Path(tempfile.gettempdir()) / name
    home.mkdir(parents=True)
    return home


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def processes() -> list[tuple[int, int]]:
    """(process, parent) of everything that runs."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            found.append((int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])))
    return found


def mounts_under(folder: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4] for line in lines]
    return sorted(point for point in points if point.startswith(f"{folder}/"))
