"""Changing one pin of a pins file, and not one byte more.

A YAML library would write the file anew: comments, quotes and blank lines would move, and a rollback would be
more than one line of ``git diff``. So the new text is cut together from the old by position, and read back.
"""

from __future__ import annotations

import re

from reconciler.adapters.state_files.nodes import Text
from reconciler.adapters.state_files.pins import Entry, PinsFile, image_problem, outline
from reconciler.adapters.state_files.source import Source, cannot_be_used, in_order
from reconciler.domain.image import ImageRef
from reconciler.errors import Finding, InvalidState

_LINE_END = re.compile(r"\r\n|\n|\r")
# Service names that a reader of YAML 1.1 takes for a number, a truth value or nothing.
_NEEDS_QUOTES = re.compile(r"[0-9._+-].*|y|n|yes|no|on|off|true|false|null", re.IGNORECASE)


def with_pin(text: str, path: str, service: str, image: ImageRef) -> str:
    """The same text with the pin of ``service`` changed, or added where services are sorted.

    Args:
        text: the text of a pins file; ``services`` may be empty.
        path: what findings call the file.
        service: a service of the file, or a new one.
        image: the image, with its digest.

    Raises:
        InvalidState: the text is not a pins file, or would not be one any more.
    """
    source = Source.of(text, path)
    file = _readable(source)
    if problem := image_problem(service, str(image)):
        raise InvalidState(cannot_be_used(path), findings=(Finding(path, 0, 0, *problem),))
    entry = next((entry for entry in file.entries if entry.service.value == service), None)
    changed = (
        _replaced(text, entry.image, image) if entry is not None else _inserted(text, file, service, image)
    )
    _read_back(changed, path, {**_images(file), service: str(image)})
    return changed


def _readable(source: Source) -> PinsFile:
    """The file, where it is one; images that lack a digest do not matter here, they may be what is mended."""
    file, findings = outline(source)
    if file is None or findings:
        raise InvalidState(cannot_be_used(source.path), findings=in_order(findings))
    return file


def _images(file: PinsFile) -> dict[str, str]:
    return {entry.service.value: entry.image.value for entry in file.entries}


def _replaced(text: str, scalar: Text, image: ImageRef) -> str:
    return f"{text[: scalar.start]}{scalar.style}{image}{scalar.style}{text[scalar.end :]}"


def _inserted(text: str, file: PinsFile, service: str, image: ImageRef) -> str:
    """The text with a new service, below the line of its predecessor or of ``services:``."""
    outer = file.entries[0].service.column - 1 if file.entries else file.services.column - 1 + 2
    inner = file.entries[0].key.column - 1 if file.entries else outer + 2
    before = _predecessor(file.entries, service)
    after = file.services.end if before is None else before.image.end
    if file.nothing is not None:
        # `{}` or `null` gives way; what follows it on its line, such as a comment, stays.
        text = text[: file.nothing.start].rstrip(" \t") + text[file.nothing.end :]
    name = f'"{service}"' if _NEEDS_QUOTES.fullmatch(service) else service
    any_end = _LINE_END.search(text)
    newline = any_end[0] if any_end else "\n"
    block = f"{' ' * outer}{name}:{newline}{' ' * inner}image: {image}"
    line_end = _LINE_END.search(text, after)
    if line_end is None:
        return f"{text}{newline}{block}"
    return f"{text[: line_end.end()]}{block}{line_end[0]}{text[line_end.end() :]}"


def _predecessor(entries: tuple[Entry, ...], service: str) -> Entry | None:
    """The service below which a new one goes: the one before the first that sorts after it."""
    before = None
    for entry in entries:
        if entry.service.value > service:
            break
        before = entry
    return before


def _read_back(changed: str, path: str, wanted: dict[str, str]) -> None:
    """Check that the edit says what was meant, and nothing else."""
    file, findings = outline(Source.of(changed, path))
    if file is None or findings or _images(file) != wanted:
        finding = Finding(
            path, 0, 0, "the pin cannot be written into the layout of this file", "edit it by hand"
        )
        raise InvalidState(cannot_be_used(path), findings=(finding, *findings))
