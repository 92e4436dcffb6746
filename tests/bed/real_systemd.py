"""A real systemd, as process 1 of namespaces of its own, over the files of this machine.

What it writes goes into a layer in memory, and none of the machine's own services is started: units are the
test's. It has no network but its own. Processes, mounts and control groups end with it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bed.tools import BedError, run, wait_until

BOOT_SECONDS = 30.0
SYSTEMD = "/lib/systemd/systemd"
UNITS = (
    *("sysinit.target", "basic.target", "sockets.target", "shutdown.target", "network-online.target"),
    *("systemd-journald.service", "systemd-journald.socket"),
)
"""All that it knows besides what a test writes: no service of the machine is started by it."""
SCRIPT = """
set -eu
mount -t tmpfs tmpfs "$HOME_OF_IT"
cd "$HOME_OF_IT"
mkdir up work root
mount -t overlay overlay -o lowerdir=/,upperdir=up,workdir=work root
mount -t proc proc root/proc
mount -t sysfs -o ro sysfs root/sys
for folder in dev run tmp var/log var/tmp; do mount -t tmpfs -o mode=755 tmpfs "root/$folder"; done
chmod 1777 root/tmp root/var/tmp
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
  numbers=${node#*:}
  mknod -m 666 "root/dev/${node%%:*}" c "${numbers%:*}" "${numbers#*:}"
done
mkdir root/dev/pts root/dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts root/dev/pts
ln -s pts/ptmx root/dev/ptmx
mount -t cgroup2 cgroup root/sys/fs/cgroup
rm -rf root/etc/systemd/system/*
for unit in $UNITS; do cp "root/lib/systemd/system/$unit" root/etc/systemd/system/; done
echo "[Unit]" >root/etc/systemd/system/test.target
tr -d - <root/proc/sys/kernel/random/uuid >root/etc/machine-id # without one it would enable what is preset
for bound; do
  there=root${bound#*=}
  if [ -d "${bound%%=*}" ]; then mkdir -p "$there"; else mkdir -p "${there%/*}" && : >"$there"; fi
  mount --bind "${bound%%=*}" "$there"
done
mount --make-rshared root # what it mounts for a service is seen by that service
export container=test SYSTEMD_UNIT_PATH=/etc/systemd/system
exec chroot root /lib/systemd/systemd --unit=test.target --log-target=console
"""


class Systemd:
    r"""Boot a systemd, and be its administrator.

    Args:
        binds: what it sees from this machine beside its root file system, as ``here=there``.

    >>> with Systemd([f"{world.root}={world.root}"]) as systemd:
    ...     systemd.write("/etc/systemd/system/hello.service", "[Service]\nExecStart=/bin/true\n")
    ...     systemd.run("systemctl", "start", "hello")
    """

    def __init__(self, binds: Sequence[str]) -> None:
        self.binds = binds
        self._home = Path()
        self._group = Path()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if os.geteuid() != 0 or not Path(SYSTEMD).exists():
            raise BedError("a systemd of one's own takes root, and systemd: scripts/bed up, as root")
        self._home = Path(tempfile.mkdtemp(prefix="reconcile-systemd-"))
        self._group = _control_groups() / self._home.name
        self._group.mkdir()
        try:
            self._boot()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def said(self) -> str:
        """What systemd itself told."""
        return (self._home / "console").read_text(errors="replace")

    def run(self, *command: str, check: bool = True) -> str:
        """A command inside, as root; its output. Where ``check`` is false it may fail."""
        kinds = ("--mount", "--pid", "--ipc", "--uts", "--net", "--cgroup")
        entered = ("nsenter", f"--target={self._init}", *kinds)
        arguments = [*entered, "chroot", str(self._root), *command]
        if check:
            return run(*arguments, timeout=60)
        return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False).stdout

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """A file inside, with the folders above it."""
        file = Path(f"/proc/{self._init}/root{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.run("systemctl", "show", unit, f"--property={name}", "--value").strip()

    def close(self) -> None:
        """End it, with everything that it started."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)  # its namespace of processes goes with it
            self._process.wait(20)
        wait_until(self._groups_are_gone, seconds=20, what="its control groups are empty")
        shutil.rmtree(self._home)

    def _boot(self) -> None:
        def join() -> None:
            (self._group / "cgroup.procs").write_text(str(os.getpid()))

        home = self._home / "system"
        home.mkdir()
        namespaces = ("--pid", "--mount", "--ipc", "--uts", "--net", "--cgroup", "--fork", "--kill-child")
        with (self._home / "console").open("wb") as console:
            self._process = subprocess.Popen(
                ["unshare", *namespaces, "sh", "-c", SCRIPT, "sh", *self.binds],
                env={
                    "PATH": os.environ["PATH"],
                    "HOME_OF_IT": str(home),
                    "UNITS": " ".join(UNITS),
                },
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                preexec_fn=join,  # before anything of it runs
            )

        def up() -> bool:
            assert self._process is not None
            if self._process.poll() is not None:
                raise BedError(f"systemd has ended:\n{self.said}")
            return bool(self._children()) and self._says_running()

        wait_until(up, seconds=BOOT_SECONDS, what="systemd is up", every=0.2)

    @property
    def _root(self) -> Path:
        return self._home / "system/root"

    @property
    def _init(self) -> str:
        """Its process 1, as this machine numbers it: the only child of `unshare`."""
        (child,) = self._children()
        return child

    def _children(self) -> list[str]:
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()

    def _says_running(self) -> bool:
        return self.run("systemctl", "is-system-running", check=False).strip() == "running"

    def _groups_are_gone(self) -> bool:
        groups = [self._group, *(folder for folder in self._group.rglob("*") if folder.is_dir())]
        try:
            for group in reversed(groups):
                group.rmdir()
        except OSError:
            return False
        return True


def _control_groups() -> Path:
    """Where the second version of control groups is mounted."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            return Path(before.split()[4])
    raise BedError("there are no control groups of version 2 on this machine")
