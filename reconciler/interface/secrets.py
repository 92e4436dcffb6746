"""``${NAME}`` in ``reconcile.yaml``, filled in where adapters are made: NAME, or the file of NAME_FILE."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reconciler.domain.placeholders import named_in
from reconciler.errors import Refused


def filled(text: str, environ: Mapping[str, str], where: str) -> str:
    """``text`` with the values of its secrets.

    Args:
        text: as it is written.
        environ: the variables of this program.
        where: it is written, for people: ``the key of the search server``.

    Raises:
        Refused: one of them has no value. An empty one is none: so an unset secret looks in most CI systems.
    """
    for name in named_in(text):
        value = value_of(name, environ)
        if not value:
            raise Refused(
                f"{where} is ${{{name}}}, and {name} has no value here",
                hint=f"Set {name} in reconcile's environment, or name a file that holds it: {name}_FILE",
            )
        text = text.replace(f"${{{name}}}", value)
    return text


def value_of(name: str, environ: Mapping[str, str]) -> str:
    """The value of a secret; empty where it has none."""
    return environ.get(name, "") or _from_file(environ.get(f"{name}_FILE", ""))


def _from_file(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8").strip() if name else ""
    except (OSError, ValueError):
        return ""
