"""At most one writer per environment on this host: flock on a file of the state directory.

The kernel frees the lock when the holder dies, however it dies; nobody has to clean up. The file
stays: removing it would let a second holder lock a new file of the same name. Where a person removed it
nevertheless, whoever comes next locks the new file, and has another identity: the lease on the engine then
keeps the two apart.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.host_state.place import Place, unusable
from reconciler.domain.environment import Environment
from reconciler.errors import Locked
from reconciler.ports import Clock

LOOK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class LockFile:
    """The ``Lock`` port over one file per environment."""

    place: Place
    clock: Clock

    @contextmanager
    def hold(self, environment: Environment, wait_seconds: float) -> Iterator[str]:
        """See ``ports.Lock``."""
        file = self._locked(environment, self.clock.monotonic() + wait_seconds)
        try:
            _sign(file)
            yield _identity(file)
        finally:
            os.close(file)

    def _locked(self, environment: Environment, give_up: float) -> int:
        """The open file, locked. What was removed while it was waited for is nobody's lock any more."""
        while True:
            file = self._open(environment)
            try:
                self._acquire(file, environment, give_up)
                if self._current(file, environment):
                    return file
            except BaseException:
                os.close(file)
                raise
            os.close(file)

    def _current(self, file: int, environment: Environment) -> bool:
        """Whether this is the file that others would open now."""
        path = self.place.file(environment, "lock")
        try:
            return path.lstat().st_ino == os.fstat(file).st_ino
        except FileNotFoundError:
            return False
        except OSError as error:
            raise unusable(path, error) from error

    def _open(self, environment: Environment) -> int:
        """The lock file; one that is there can be locked on a disk that is read-only, too."""
        path, flags = self.place.file(environment, "lock"), os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self.place.make()
            return os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o600)
        except OSError as error:
            if error.errno == errno.EROFS:
                with suppress(OSError):
                    return os.open(path, os.O_RDONLY | flags)
            raise unusable(path, error) from error

    def _acquire(self, file: int, environment: Environment, give_up: float) -> None:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self.clock.monotonic() >= give_up:
                    raise Locked(
                        f"{environment.name} is being reconciled by {_holder(file)}",
                        hint="Wait for it to end, or let this run wait with --lock-wait",
                    ) from None
                self.clock.wait(LOOK_AGAIN_SECONDS)
            else:
                return


def _sign(file: int) -> None:
    """Write down who holds the lock, unless that stands there from the last pass.

    It is for people: a disk that does not take it ends nothing.
    """
    mine = json.dumps({"pid": os.getpid()}).encode()
    with suppress(OSError):
        if os.pread(file, 200, 0) != mine:
            os.ftruncate(file, 0)
            os.pwrite(file, mine, 0)


def _identity(file: int) -> str:
    """What no other lock has, on this host or another, since it was booted last."""
    status = os.fstat(file)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}:{status.st_dev:x}:{status.st_ino:x}"


def _holder(file: int) -> str:
    """Who holds the lock, as the holder wrote it."""
    try:
        return f"process {json.loads(os.pread(file, 200, 0))['pid']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
