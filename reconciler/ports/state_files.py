"""The YAML of the state folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from reconciler.domain.desired import Pin
from reconciler.domain.environment import Environment
from reconciler.domain.image import ImageRef
from reconciler.errors import Finding


class StateFiles(Protocol):
    """The YAML of the state folder as values, with a position for every problem."""

    def settings(self, text: str, path: str) -> tuple[Environment, ...]:
        """Read ``reconcile.yaml``.

        Raises:
            InvalidSettings: with all findings.
        """

    def pins(self, text: str, path: str) -> tuple[Pin, ...]:
        """Read a pins file; the pins come in the order of the file.

        Raises:
            InvalidState: with all findings.
        """

    def unknown_services(
        self, pins: Sequence[Pin], known: Sequence[str], text: str, path: str
    ) -> tuple[Finding, ...]:
        """A finding, with its position, for each pin of a service that is not ``known``."""

    def with_pin(self, text: str, path: str, service: str, image: ImageRef) -> str:
        """The same text with one scalar changed (or one service inserted in sorted order).

        Raises:
            InvalidState: the text is not a valid pins file.
        """
