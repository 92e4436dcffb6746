"""What a host remembers between passes, one small JSON file per environment.

Losing or damaging it costs words, never a service, so an unreadable file counts as nothing known.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from reconciler.domain.environment import Environment
from reconciler.errors import PermissionRefused

VERSION = 1


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """The ``Memory`` port over files in ``folder``."""

    folder: Path
    _known: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def kept(self, environment: Environment) -> Mapping[str, str]:
        """See ``ports.Memory``."""
        path = self._path(environment)
        if path.name not in self._known:
            self._known[path.name] = _read(path)
        return self._known[path.name]

    def keep(self, environment: Environment, hashes: Mapping[str, str]) -> None:
        """See ``ports.Memory``. Written beside the file and renamed, so that no reader sees half of it.

        Raises:
            PermissionRefused: the state directory cannot be written.
        """
        path = self._path(environment)
        document = json.dumps({"version": VERSION, "hashes": dict(sorted(hashes.items()))})
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.NamedTemporaryFile("w", dir=self.folder, delete=False, encoding="utf-8") as file:
                file.write(document)
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).replace(path)
        except OSError as error:
            raise PermissionRefused(
                f"{path} cannot be written: {error.strerror}",
                hint="Make room in the state directory, or name another one with RECONCILE_STATE_DIR",
            ) from error
        self._known[path.name] = dict(hashes)

    def _path(self, environment: Environment) -> Path:
        engine = sha256(f"{environment.engine_host} {environment.engine_context}".encode()).hexdigest()[:8]
        return self.folder / f"{environment.project}-{engine}.json"


def _read(path: Path) -> Mapping[str, str]:
    try:
        document = json.loads(path.read_bytes())
        if document["version"] != VERSION:
            return {}
        return {str(name): str(value) for name, value in document["hashes"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
