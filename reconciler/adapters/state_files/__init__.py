"""The YAML of the state folder as values: ``reconcile.yaml`` and the pins files.

``source`` knows texts and positions, ``yaml_text`` reads YAML safely, ``settings`` and ``pins`` give it
meaning, ``pin_edit`` changes one scalar, ``schemas`` finds and applies the JSON Schemas.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reconciler.adapters.state_files.accepted import Accepted
from reconciler.adapters.state_files.pin_edit import with_pin
from reconciler.adapters.state_files.pins import pins, unknown_services
from reconciler.adapters.state_files.settings import settings
from reconciler.adapters.state_files.source import decode
from reconciler.domain.desired import Pin
from reconciler.domain.environment import Environment
from reconciler.domain.image import ImageRef
from reconciler.errors import Finding

__all__ = ["YamlStateFiles", "decode", "unknown_services"]


class YamlStateFiles:
    """Reads and edits the files of the state folder (``ports.StateFiles``).

    Args:
        accepted: a file that remembers which texts the schema accepted; None to validate each time.
    """

    def __init__(self, accepted: Path | None = None) -> None:
        self._accepted = Accepted(accepted)

    def settings(self, text: str, path: str) -> tuple[Environment, ...]:
        """Read ``reconcile.yaml``; see ``ports.StateFiles.settings``."""
        return settings(text, path, self._accepted)

    def pins(self, text: str, path: str) -> tuple[Pin, ...]:
        """Read a pins file; see ``ports.StateFiles.pins``."""
        return pins(text, path)

    def unknown_services(
        self, pins: Sequence[Pin], known: Sequence[str], text: str, path: str
    ) -> tuple[Finding, ...]:
        """Pins of services that are not ``known``; see ``ports.StateFiles.unknown_services``."""
        return unknown_services(pins, known, text, path)

    def with_pin(self, text: str, path: str, service: str, image: ImageRef) -> str:
        """Change or add one pin; see ``ports.StateFiles.with_pin``."""
        return with_pin(text, path, service, image)
