"""The secrets that checks and data of an environment name, for the masks of a CI job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.domain.environment import Environment
from reconciler.domain.placeholders import secrets_named, secrets_of_data
from reconciler.interface.secrets import value_of


def secrets_of(environments: Iterable[Environment], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The values of every ``${NAME}`` in checks and data, as far as they are set.

    What a flow captures is not known beforehand; the probe hides it in everything that it says.
    """
    environments = tuple(environments)
    each = [secrets_named(environment.gate.checks) for environment in environments]
    names = dict.fromkeys(name for named in each for needed in named.values() for name in needed)
    names |= dict.fromkeys(name for one in environments for name in secrets_of_data(one.data))
    return tuple(dict.fromkeys(value for name in names if (value := value_of(name, environ))))
