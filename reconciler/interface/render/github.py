"""The language of GitHub's runners: workflow commands, annotations and output files.

A runner takes every line of stdout and stderr that begins with ``::`` for a command, so text of others must
never begin one, and must not end the value that it is part of.
https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.domain.foreign import foreign, foreign_lines

MOST_OF_A_KIND = 9
"""A step shows ten annotations of each kind and drops the rest silently: the tenth says how many."""
_MOST_LINES = 20


class Kind(StrEnum):
    """What an annotation is, the worst first."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Annotation:
    """A message at a place in a file; ``line`` and ``column`` count from 1, and are 0 where there is none."""

    kind: Kind
    title: str
    message: str
    path: str = ""
    line: int = 0
    column: int = 0


def command(name: str, value: str = "", properties: Mapping[str, str] | None = None) -> str:
    """One workflow command, with everything escaped that could end it or begin another."""
    given = ",".join(f"{key}={_property(text)}" for key, text in (properties or {}).items() if text)
    return f"::{name}{f' {given}' if given else ''}::{_data(value)}"


def annotation_commands(annotations: Iterable[Annotation]) -> list[str]:
    """Annotations as commands: errors first, as many of each kind as a step shows."""
    every = list(annotations)
    lines = []
    for kind in Kind:
        ours = list(dict.fromkeys(a for a in every if a.kind is kind))
        lines += [_annotation(annotation) for annotation in ours[:MOST_OF_A_KIND]]
        if len(ours) > MOST_OF_A_KIND:
            more = f"{len(ours) - MOST_OF_A_KIND} more of this kind are in the log and in the summary"
            lines.append(_annotation(Annotation(kind, f"{len(ours)} {kind}s", more)))
    return lines


def group(title: str, text: str) -> str:
    """``text`` as a group that can be folded. Nothing in it is taken for a command."""
    return "\n".join([command("group", foreign(title)), inert(text), command("endgroup")])


def inert(text: str) -> str:
    """``text`` between lines that keep the runner from reading it; nobody can know the word that ends it."""
    token = secrets.token_hex(16)
    return "\n".join([command("stop-commands", token), text, command(token)])


def masks(values: Iterable[str]) -> list[str]:
    """Commands that hide secrets in all that the job prints from now on, each line of one by itself."""
    lines = [line.strip() for value in values for line in value.splitlines()]
    return [command("add-mask", line) for line in dict.fromkeys(lines) if line]


def outputs(values: Mapping[str, str]) -> str:
    """What is appended to the file of a step's outputs: each value between words that it cannot know."""
    written = []
    for name, value in values.items():
        end = f"reconcile_{secrets.token_hex(16)}"
        written.append(f"{name}<<{end}\n{foreign(value)}\n{end}\n")
    return "".join(written)


def _annotation(annotation: Annotation) -> str:
    place = {"file": foreign(annotation.path)} if annotation.path else {}
    if annotation.path and annotation.line:
        place |= {"line": str(annotation.line)}
        place |= {"col": str(annotation.column)} if annotation.column else {}
    place |= {"title": foreign(annotation.title, 100)}
    return command(annotation.kind, "\n".join(_lines(annotation.message)), place)


def _lines(message: str) -> Sequence[str]:
    """A message may hold what another program printed: each of its lines goes into the log by itself."""
    lines = foreign_lines(message, 1000)
    more = [f"… {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
    return [*lines[:_MOST_LINES], *more]


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
