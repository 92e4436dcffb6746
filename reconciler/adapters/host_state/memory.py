"""What a host remembers between passes, one small JSON file per environment.

Losing or damaging it costs words, never a service, so an unreadable file counts as nothing known.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.adapters.host_state.place import Place, unusable
from reconciler.domain.environment import Environment

VERSION = 1


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """The ``Memory`` port over one file per environment."""

    place: Place
    _known: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def kept(self, environment: Environment) -> Mapping[str, str]:
        """See ``ports.Memory``."""
        path = self.place.file(environment, "json")
        if path.name not in self._known:
            self._known[path.name] = _read(path)
        return self._known[path.name]

    def keep(self, environment: Environment, hashes: Mapping[str, str]) -> None:
        """See ``ports.Memory``. Written beside the file and renamed, so that no reader sees half of it.

        Raises:
            PermissionRefused: the state directory cannot be written.
        """
        import tempfile

        path = self.place.file(environment, "json")
        document = json.dumps({"version": VERSION, "hashes": dict(sorted(hashes.items()))})
        try:
            self.place.make()
            with tempfile.NamedTemporaryFile(
                "w", dir=self.place.folder, delete=False, encoding="utf-8"
            ) as file:
                file.write(document)
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).replace(path)
        except OSError as error:
            raise unusable(path, error) from error
        self._known[path.name] = dict(hashes)


def _read(path: Path) -> Mapping[str, str]:
    try:
        document = json.loads(path.read_bytes())
        if document["version"] != VERSION:
            return {}
        return {str(name): str(value) for name, value in document["hashes"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
