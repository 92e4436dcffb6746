"""Rights over the host: asked for in Git, allowed on the host only.

An allowance is ``[ENVIRONMENT/]SERVICE:POWER``; ``*`` stands for any environment or service, or for
every power. ``production/traefik:docker-socket`` lets one service mount Docker's socket, and
``production/hooks:host`` lets hooks of that environment run on the host itself, ``production/notify:host``
channels that are commands.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from reconciler.domain.data import Data
from reconciler.domain.desired import Service

HOST_HOOKS = ("hooks", "host")
"""How an allowance names commands of ``reconcile.yaml`` that run on the host itself."""

HOST_CHANNELS = ("notify", "host")
"""The same for channels."""


def refused_powers(
    environment: str, services: Iterable[Service], allowed: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """The (service, power) pairs that the host does not allow, sorted.

    Args:
        environment: the environment's name.
        services: the services of the model.
        allowed: allowances in the form above.
    """
    wanted = [
        (service.name, power)
        for service in sorted(services, key=lambda service: service.name)
        for power in service.powers
    ]
    return _refused(environment, wanted, allowed)


def refused_hooks(environment: str, data: Data, allowed: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The same for hooks that run on the host itself, as whoever runs reconcile."""
    wanted = [HOST_HOOKS] if any(not hook.service for hook in data.hooks) else []
    return _refused(environment, wanted, allowed)


def may_tell_by_command(environment: str, allowed: Iterable[str]) -> bool:
    """Whether a channel of an environment may be a command on the host, as whoever runs reconcile."""
    return not _refused(environment, [HOST_CHANNELS], allowed)


def _refused(
    environment: str, wanted: Iterable[tuple[str, str]], allowed: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    patterns = [pattern if "/" in pattern.partition(":")[0] else f"*/{pattern}" for pattern in allowed]
    return tuple(
        (name, power)
        for name, power in wanted
        if not any(fnmatchcase(f"{environment}/{name}:{power}", pattern) for pattern in patterns)
    )
