"""Where in the state directory something about one environment lies."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from reconciler.domain.environment import Environment
from reconciler.errors import PermissionRefused


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one engine in the state directory.

    Args:
        folder: the state directory; made when it is first written to, for its owner alone.
        engine: the engine's URL. What is locked is a project on an engine, whatever the environment is
            called and however its engine is named in ``reconcile.yaml``.
    """

    folder: Path
    engine: str

    def file(self, environment: Environment, ending: str) -> Path:
        """The path of the environment's file; it need not exist."""
        engine = sha256(self.engine.encode()).hexdigest()[:8]
        return self.folder / f"{environment.project}-{engine}.{ending}"

    def make(self) -> None:
        """Make the state directory.

        Raises:
            OSError: it cannot be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def unusable(path: Path, error: OSError) -> PermissionRefused:
    """The error for a state directory that cannot be used."""
    return PermissionRefused(
        f"{path} cannot be written: {error.strerror}",
        hint="Make the state directory writable, or name another one with RECONCILE_STATE_DIR",
    )
