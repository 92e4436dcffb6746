"""I-8: secrets that sing when they are found where they do not belong."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, quote_plus

from tests.e2e.recorder import Event
from tests.e2e.snapshot import Snapshot
from tests.e2e.world import World

EVERY_SECONDS = 0.02
CORE = re.compile(r"[0-9A-Za-z]{16,}")


def needles(secret: str) -> frozenset[bytes]:
    """A secret as it might show up: plain, url-encoded, escaped, in hex, in base64 at each alignment, cut.

    Each run of 16 letters and digits counts for the whole: most ways to write a text leave those alone.

    Raises:
        ValueError: the secret is too short to be told from what stands there by chance.
    """
    plain = secret.encode()
    if len(plain) < 16:
        raise ValueError("the secret is too short")
    texts = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), plain.hex()}
    texts |= {json.dumps(secret)[1:-1], *CORE.findall(secret)}
    for offset in range(3):
        # Six bits make a character; those at both ends also depend on what stands beside the secret.
        first, last = -(-8 * offset // 6), 8 * (offset + len(plain)) // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            texts.add(encode(bytes(offset) + plain).decode()[first:last])
    return frozenset(text.encode() for text in texts)


@dataclass(slots=True)
class Spy:
    """The command lines of a process's descendants, as often as can be looked without being in the way.

    Args:
        parents: the processes whose children are looked at; themselves included.
    """

    parents: Callable[[], Iterable[int]]
    seen: set[bytes] = field(default_factory=set)
    _done: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch, name="spy", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join(10)

    def _watch(self) -> None:
        while not self._done.wait(EVERY_SECONDS):
            for parent in self.parents():
                for process in descendants(parent):
                    self.seen.add(_read(Path(f"/proc/{process}/cmdline")))


def descendants(process: int) -> Iterator[int]:
    """A process and all that it started, as far as they are there."""
    yield process
    try:
        tasks = list(Path(f"/proc/{process}/task").glob("*/children"))
    except OSError:  # it ended while it was looked at
        return
    for task in tasks:
        for child in _read(task).split():
            yield from descendants(int(child))


def sung(canaries: Mapping[str, str], places: Iterable[tuple[str, bytes]]) -> list[str]:
    """What was found where, without the secret itself."""
    looked_for = {name: needles(secret) for name, secret in canaries.items()}
    return [
        f"I-8: the value of {name} is in {place}"
        for place, content in places
        for name, forms in looked_for.items()
        if any(form in content for form in forms)
    ]


def places(
    world: World, after: Snapshot, events: Iterable[Event], commands: Iterable[bytes], *remotes: Path
) -> Iterator[tuple[str, bytes]]:
    """Everything that outlives a run or that others can read, with a name for each."""
    for folder in (*sorted(world.root.glob("run-*")), world.root / "memory", world.root / "tmp"):
        for file in _files(folder):
            yield str(file.relative_to(world.root)), _read(file)
    for one in after.containers:
        yield f"name and labels of {one.name}", f"{one.name} {one.content['Config']['Labels']}".encode()
    for other in (*after.networks, *after.volumes):
        yield f"name and labels of {other['Name']}", f"{other['Name']} {other['Labels']}".encode()
    yield "names of images", world.docker("images", "--digests").encode()
    for event in events:
        yield f"event {event}", f"{event.action} {dict(event.attributes)}".encode()
    for command in commands:
        yield f"command line of {command.split(bytes(1))[0].decode(errors='replace')}", command
    for repository in (world.repository / ".git", *remotes):
        yield f"objects of {repository.name}", _objects(repository)
        for file in _files(repository):
            if "objects" not in file.parts:
                yield f"{repository.name}: {file.name}", _read(file)


def _objects(repository: Path) -> bytes:
    command = ["git", "-C", str(repository), "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


def _files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*") if one.is_file() and not one.is_symlink())


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
