"""One at a time, among all threads and processes of this host, by flock on a file.

The kernel frees it with its holder. Every caller opens the file anew, so that threads exclude each other too.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.errors import Locked, RepositoryFailed

_LOOK_AGAIN_SECONDS = 0.05


@contextmanager
def turn(file: Path, what: str, wait_seconds: float) -> Iterator[None]:
    """Be the only one who does ``what``, for as long as the block lasts.

    Raises:
        Locked: somebody else is at it, and still was after ``wait_seconds``.
        RepositoryFailed: the file cannot be used.
    """
    try:
        opened = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise RepositoryFailed(f"{file} cannot be used: {error.strerror}") from error
    try:
        _acquire(opened, what, time.monotonic() + wait_seconds)
        yield
    finally:
        os.close(opened)


def _acquire(opened: int, what: str, ends: float) -> None:
    while True:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > ends:
                hint = "It is tried again by itself"
                raise Locked(f"Somebody else does it for too long: {what}", hint=hint) from None
            time.sleep(_LOOK_AGAIN_SECONDS)
        else:
            return
