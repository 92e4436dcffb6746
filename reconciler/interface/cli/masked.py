"""The secrets that the checks of an environment name, for the masks of a CI job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from reconciler.domain.environment import Environment
from reconciler.domain.placeholders import secrets_named


def secrets_of(environments: Iterable[Environment], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The values of every ``${NAME}`` in the checks, as far as they are set: NAME, or the file of NAME_FILE.

    What a flow captures is not known beforehand; the probe hides it in everything that it says.
    """
    each = [secrets_named(environment.gate.checks) for environment in environments]
    names = dict.fromkeys(name for named in each for needed in named.values() for name in needed)
    values = [environ.get(name, "") or _from_file(environ.get(f"{name}_FILE", "")) for name in names]
    return tuple(dict.fromkeys(value for value in values if value))


def _from_file(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8").strip() if name else ""
    except (OSError, ValueError):
        return ""
