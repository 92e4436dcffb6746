"""Changes of files as wakes.

What counts is what the files look like: time, size and place on the disk are compared with what they were.
inotify, through watchfiles, says when to compare; besides, that is done every second, so that nothing is lost
with an event, or with a folder that was replaced. Folders are watched without what is below them, because an
application's data may be there.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.domain.triggers import Cause, Wake
from reconciler.ports import Places

STEP_MS: Final = 25
"""After so long without another change, a burst is told."""

DEBOUNCE_MS: Final = 100
"""After so long it is told although it goes on."""

TICK_SECONDS: Final = 1.0
_TEMPORARY: Final = (".lock", ".swp", "~")
_MOST_NAMED: Final = 3

Stamps = dict[Path, tuple[int, int, int] | None]
Folders = dict[Path, tuple[int, int]]


def _ignore(_text: str) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class FileWatch:
    """Wakes everybody when a file at ``places`` changed (``ports.Trigger``).

    Args:
        places: says what counts; asked all the time, so it has to be cheap, and its answer may change.
        note: hears, once, that changes are noticed late, and why.
        top: files below it are told relative to it.
    """

    places: Callable[[], Places]
    note: Callable[[str], None] = _ignore
    top: Path | None = None

    def run(self, wake: Callable[[Wake], None], stopping: threading.Event) -> None:
        """See ``ports.Trigger.run``."""
        places = self.places()
        seen = stamps(places)
        for _ in self._nudges(stopping):
            now = stamps(places)
            if now != seen:
                wake(Wake(Cause.COMMIT, detail=self._told(seen, now)))
            wanted = self.places()
            seen = now if wanted == places else stamps(wanted)
            places = wanted

    def _nudges(self, stopping: threading.Event) -> Iterator[None]:
        """Comes back whenever something may have changed, until we are stopping."""
        why = ""
        while not why and not stopping.is_set():
            why = yield from _notified(lambda: folders(self.places()), stopping)
        if why:
            self.note(f"Changes of files are noticed after {TICK_SECONDS:g} s, and not at once: {why}")
        while not stopping.wait(TICK_SECONDS):
            yield

    def _told(self, before: Stamps, now: Stamps) -> str:
        """The files that changed, for people."""
        changed = sorted(file for file in before.keys() | now.keys() if before.get(file) != now.get(file))
        more = len(changed) - _MOST_NAMED
        named = ", ".join(str(self._named(file)) for file in changed[:_MOST_NAMED])
        return named + (f" and {more} more" if more > 0 else "")

    def _named(self, file: Path) -> Path:
        if self.top is None or not file.is_relative_to(self.top):
            return file
        return file.relative_to(self.top)


def stamps(places: Places) -> Stamps:
    """What the files look like now; None for one that is not there."""
    found: Stamps = {file: _stamp(file) for file in places.files}
    for tree in places.trees:
        for folder in _below(tree):
            for entry in _entries(folder):
                if not entry.is_dir(follow_symlinks=False) and not entry.name.endswith(_TEMPORARY):
                    found[Path(entry.path)] = _stamp(Path(entry.path))
    return found


def folders(places: Places) -> Folders:
    """The folders whose entries matter, as far as they are there, and which ones they are on the disk."""
    wanted = {file.parent for file in places.files}
    wanted |= {folder for tree in places.trees for folder in _below(tree)}
    found: Folders = {}
    for folder in wanted:
        try:
            status = folder.stat()
        except OSError:
            continue
        if stat.S_ISDIR(status.st_mode):
            found[folder] = (status.st_dev, status.st_ino)
    return found


def _notified(wanted: Callable[[], Folders], stopping: threading.Event) -> Generator[None, None, str]:
    """Nudges by inotify until there are other folders to watch; returns why there can be none, or nothing."""
    watched = wanted()
    if not watched:
        stopping.wait(TICK_SECONDS)
        yield
        return ""
    try:
        from watchfiles import watch
    except ImportError as error:
        return str(error)
    try:
        for _ in watch(
            *watched,
            watch_filter=None,  # the usual one knows nothing of .git
            debounce=DEBOUNCE_MS,
            step=STEP_MS,
            stop_event=stopping,
            rust_timeout=round(TICK_SECONDS * 1000),
            yield_on_timeout=True,
            force_polling=False,
            debug=False,
            recursive=False,
        ):
            yield
            if wanted() != watched:
                return ""
    except FileNotFoundError:  # one was removed between our look and the watch
        yield
    except (OSError, RuntimeError) as error:  # its own error is a RuntimeError, and not exported
        return str(error)
    return ""


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    # Of a folder (a rebase under way) only that it is there: it changes with everything inside.
    changed = (0, 0) if stat.S_ISDIR(status.st_mode) else (status.st_mtime_ns, status.st_size)
    return *changed, status.st_ino


def _below(tree: Path) -> Iterator[Path]:
    """A folder and all those below it that are not hidden."""
    yield tree
    for entry in _entries(tree):
        if entry.is_dir(follow_symlinks=False):
            yield from _below(Path(entry.path))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is in a folder and not hidden; nothing where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except OSError:
        return []
