"""Texts that the schema has accepted before, by digest.

Validation is a pure function, and loading jsonschema takes longer than all the rest of reading. Only what was
accepted is remembered; a text with findings is validated each time.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

MOST = 32


@dataclass(frozen=True, slots=True)
class Accepted:
    """Digests in ``file``, the latest last; without a file nothing is remembered."""

    file: Path | None = None

    def knows(self, digest: str) -> bool:
        """Whether this was accepted before."""
        return digest in self._digests()

    def add(self, digest: str) -> None:
        """Remember it, where that is possible: it costs time, nothing else."""
        if self.file is None:
            return
        kept = [*(known for known in self._digests() if known != digest), digest][-MOST:]
        fresh = self.file.with_name(f"{self.file.name}.{os.getpid()}")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh.unlink(missing_ok=True)
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:  # noqa: PTH123
                opened.write("\n".join(kept))
            fresh.replace(self.file)
        except OSError:
            return

    def _digests(self) -> list[str]:
        """What is remembered; a file that others can write is not believed."""
        if self.file is None:
            return []
        try:
            with open(os.open(self.file, os.O_RDONLY | os.O_NOFOLLOW), encoding="ascii") as opened:  # noqa: PTH123
                status = os.fstat(opened.fileno())
                if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o022:
                    return []
                return opened.read().split()
        except (OSError, ValueError):
            return []


NOTHING_ACCEPTED = Accepted()


def digest(schema: str, text: str) -> str:
    """What stands for ``text`` having been judged by ``schema`` and by the code that reads both."""
    program = [
        f"{file.name} {file.stat().st_mtime_ns}" for file in sorted(Path(__file__).parent.glob("*.py"))
    ]
    return sha256("\0".join((schema, *program, text)).encode(errors="surrogatepass")).hexdigest()
