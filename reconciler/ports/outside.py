"""What is asked from outside: what runs, and registries."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from reconciler.domain.check import Asked
from reconciler.domain.comparison import Seen
from reconciler.domain.image import ImageRef


class Probe(Protocol):
    """Looks at what runs from outside, as its users do."""

    def ask(self, question: Asked, time_limit_seconds: float) -> Seen:
        """One look. Never raises for what it sees.

        What cannot be asked at all (a missing secret, a wrong URL, a name without an address) is no evidence.
        What looks as if something was still starting (nothing listens, 502, 503, 504, no answer in time) is
        unready; every other wrong answer is bad.
        """

    def missing(self, names: Collection[str]) -> tuple[str, ...]:
        """Those of the secrets ``${NAME}`` that have no value here, in the given order."""


class Registry(Protocol):
    """An image registry, asked directly."""

    def digest(self, image: ImageRef) -> str:
        """The digest that ``image``'s tag (or digest) has at the registry.

        Raises:
            Refused: the registry has no such image.
            RegistryUnreachable: down, slow, limited (429), or failing.
            PermissionRefused: 401 or 403.
        """
