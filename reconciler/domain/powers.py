"""Rights over the host: asked for in Git, allowed on the host only.

An allowance is ``[ENVIRONMENT/]SERVICE:POWER``; ``*`` stands for any environment or service, or for
every power. ``production/traefik:docker-socket`` lets one service mount Docker's socket.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from reconciler.domain.desired import Service


def refused_powers(
    environment: str, services: Iterable[Service], allowed: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """The (service, power) pairs that the host does not allow, sorted.

    Args:
        environment: the environment's name.
        services: the services of the model.
        allowed: allowances in the form above.
    """
    patterns = [pattern if "/" in pattern.partition(":")[0] else f"*/{pattern}" for pattern in allowed]
    return tuple(
        (service.name, power)
        for service in sorted(services, key=lambda service: service.name)
        for power in service.powers
        if not any(fnmatchcase(f"{environment}/{service.name}:{power}", pattern) for pattern in patterns)
    )
