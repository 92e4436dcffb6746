"""A line of text in a file of its own: all of it or nothing, whenever we are killed or the power goes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def line(file: Path) -> str:
    """What it says; empty where it is not there or says nothing that can be read."""
    with suppress(OSError, UnicodeDecodeError):
        return file.read_text("utf-8").strip()
    return ""


def write_line(file: Path, text: str) -> None:
    """Write it.

    Raises:
        OSError: that is not possible; the file is as it was.
    """
    fresh = file.with_name(f"{file.name}.fresh")
    with fresh.open("w", encoding="utf-8") as opened:
        opened.write(text + "\n")
        opened.flush()
        os.fsync(opened.fileno())
    fresh.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
