"""Files of the state directory that nobody else can have written: others would decide what is released."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from reconciler.adapters.host_state.place import unusable
from reconciler.errors import PermissionRefused

Identity = tuple[int, int]
"""Device and inode: what a path leads to at one moment."""
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH


def identity(path: Path) -> Identity | None:
    """What the regular file ``path`` is; None where there is nothing.

    Raises:
        PermissionRefused: it is a link or no regular file, belongs to another user, or others can write it
            or its folder.
    """
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unusable(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "not a regular file"
        raise _foreign(path, f"it is {kind}", "Remove it, or name another state directory")
    if status.st_uid != os.geteuid():
        why = f"it belongs to the user with id {status.st_uid}"
        raise _foreign(path, why, "Run reconcile as this user, or name another state directory")
    if status.st_mode & _OTHERS_WRITE:
        raise _foreign(path, "other users can write it", f"Check it, then: chmod 600 {path}")
    if path.parent.stat().st_mode & _OTHERS_WRITE:
        why = f"other users can write {path.parent}"
        raise _foreign(path, why, f"Check it, then: chmod 700 {path.parent}")
    if status.st_mode & _OTHERS_READ:
        path.chmod(0o600)
    return status.st_dev, status.st_ino


def make(path: Path) -> None:
    """Make an empty file for us alone, unless there is one.

    By ``mknod``, which does not open it; see ``damage.holding``.

    Raises:
        OSError: it cannot be made.
    """
    try:
        os.mknod(path, stat.S_IFREG | 0o600)
    except FileExistsError:
        return


def _foreign(path: Path, why: str, hint: str) -> PermissionRefused:
    return PermissionRefused(f"{path} is not used: {why}", hint=hint)
