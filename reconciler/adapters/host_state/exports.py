"""What a restore took away, as files in the state directory that only their owner can read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from reconciler.adapters.host_state.place import Place, unusable
from reconciler.domain.environment import Environment


@dataclass(frozen=True, slots=True)
class ExportFiles:
    """The ``Exports`` port over one state directory."""

    place: Place

    def write(self, environment: Environment, name: str, lines: Iterable[str]) -> str:
        """See ``ports.Exports``."""
        path = self.place.file(environment, quote(name, safe=" +()"))
        unfinished = path.with_name(f"{path.name}.unfinished")
        try:
            self.place.make()
            unfinished.unlink(missing_ok=True)  # of one that was killed
            empty = _written(unfinished, lines)
            if empty:
                return ""
            unfinished.replace(path)
            _flush_folder(path.parent)
        except OSError as error:
            raise unusable(path, error) from error
        finally:
            unfinished.unlink(missing_ok=True)
        return str(path)


def _written(path: Path, lines: Iterable[str]) -> bool:
    """Write a new file, down to the disk; returns whether there was nothing to write."""
    empty = True
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as file:
        for line in lines:
            file.write(f"{line}\n")
            empty = False
        file.flush()
        os.fsync(number)
    return empty


def _flush_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
