"""The secrets that an environment names, for the masks of a CI job, and to hide them in what others wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.domain.environment import Environment
from reconciler.domain.placeholders import secrets_named, secrets_of_data, secrets_of_notify
from reconciler.interface.secrets import value_of

SHORTEST = 4
"""What is shorter would be found inside of ordinary words."""


def secrets_of(environments: Iterable[Environment], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The values of every ``${NAME}`` in checks, data and channels, as far as they are set.

    They are in NAME, or in the file of NAME_FILE. What a flow captures is not known beforehand; the probe
    hides it in everything that it says.
    """
    environments = tuple(environments)
    each = [secrets_named(environment.gate.checks) for environment in environments]
    names = dict.fromkeys(name for named in each for needed in named.values() for name in needed)
    names |= dict.fromkeys(name for one in environments for name in secrets_of_data(one.data))
    names |= dict.fromkeys(name for one in environments for name in secrets_of_notify(one.notify))
    return tuple(dict.fromkeys(value for name in names if (value := value_of(name, environ))))


def hidden(environment: Environment, environ: Mapping[str, str], said: str) -> str:
    """What somebody wrote, without the secrets of an environment."""
    for value in sorted(secrets_of([environment], environ), key=len, reverse=True):
        if len(value) >= SHORTEST:
            said = said.replace(value, "***")
    return said
