"""A disk of its own for the state directory, small enough to be filled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bed.tools import run

MEGABYTES = 4
CHUNK = 4096


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A file system of some megabytes at ``folder``; takes root."""

    folder: Path

    @property
    def journal(self) -> Path:
        """The only journal on it."""
        (found,) = self.folder.glob("*.journal")
        return found

    @contextmanager
    def full(self) -> Iterator[None]:
        """Not a byte is left for a while."""
        ballast = self.folder / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * CHUNK):
                    pass
            except OSError:
                pass
        try:
            yield
        finally:
            ballast.unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Nobody can write to it for a while."""
        run("mount", "-o", "remount,ro", self.folder)
        try:
            yield
        finally:
            run("mount", "-o", "remount,rw", self.folder)


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """A small disk at ``folder``, which is made; it goes with all that is on it."""
    folder.mkdir()
    run("mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=700", "tmpfs", folder)
    try:
        yield SmallDisk(folder)
    finally:
        run("umount", "--lazy", folder)
        folder.rmdir()
