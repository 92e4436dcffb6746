"""Take the values of variables out of what Compose complains about: it quotes what it interpolated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from reconciler.adapters.compose.inputs import inputs_of

SHORTEST = 4
"""Shorter values are no secrets, and would be found inside of ordinary words."""

_REFERENCE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_NAME = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)")


def conceal(said: str, arguments: Sequence[str], environ: Mapping[str, str], directory: Path) -> str:
    """``said``, with ``${NAME}`` in the place of each value that Compose may have read.

    Args:
        said: what Compose printed.
        arguments: those it was called with; its files follow each ``-f``.
        environ: its variables.
        directory: the project directory, where ``.env`` lies.
    """
    chosen = (value for flag, value in pairwise(arguments) if flag == "-f")
    files = [Path(value) for value in chosen if value != "-"]
    referred = set(_REFERENCE.findall("".join(map(_text, files))))
    values = {environ[name]: name for name in sorted(referred & environ.keys())}
    for file in (directory / ".env", *inputs_of(files, directory).files):
        if file.suffix not in (".yml", ".yaml"):
            values.update((value, name) for name, value in _variables(_text(file)))
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= SHORTEST:
            said = said.replace(value, f"${{{values[value]}}}")
    return said


def _variables(text: str) -> Iterator[tuple[str, str]]:
    """Name and value of each line; of one that is none, the whole line as the value."""
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        known = _NAME.fullmatch(name.strip())
        yield (known[1], value.strip().strip("'\"")) if known and equals else ("…", line.strip())


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
