"""A pins file: a Compose override file with nothing but images.

Its format is strict, because a rollback changes one scalar of it and people revert its lines: block style,
one key per line, a digest in every pin. ``schemas/pins.schema.json`` says the same to editors, as far as a
schema can; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.adapters.state_files.nodes import Items, Mapping, Node, Text
from reconciler.adapters.state_files.source import Source, cannot_be_used, did_you_mean, in_order, quoted
from reconciler.adapters.state_files.yaml_text import read
from reconciler.domain.desired import Pin
from reconciler.domain.image import ImageRef
from reconciler.errors import Finding, InvalidState

_MAX_IMAGE: Final = 512
# Compose's own rule. https://github.com/compose-spec/compose-go/blob/main/schema/compose-spec.json
_SERVICE = re.compile(r"[A-Za-z0-9._-]{1,255}")
_IMAGES_ONLY = "a pins file holds images only: write it in a Compose file"
_BLOCK_STYLE = "write it in block style, one key per line, so that Git can merge and revert it"


@dataclass(frozen=True, slots=True)
class Entry:
    """One service of a pins file: its key, the key ``image``, and the scalar that is the pin."""

    service: Text
    key: Text
    image: Text


@dataclass(frozen=True, slots=True)
class PinsFile:
    """A pins file as written; ``services`` is the key, ``nothing`` its value where that holds no service."""

    services: Text
    nothing: Node | None
    entries: tuple[Entry, ...]


def pins(text: str, path: str) -> tuple[Pin, ...]:
    """The pins of a pins file, in the order of the file.

    Args:
        text: the file's text.
        path: what findings call the file.

    Raises:
        InvalidState: with all findings.
    """
    source = Source.of(text, path)
    file, findings = outline(source)
    if file is not None:
        findings += _content(source, file)
    if file is None or findings:
        raise InvalidState(cannot_be_used(path), findings=in_order(findings))
    return tuple(_pin(entry) for entry in file.entries)


def unknown_services(pins: Sequence[Pin], known: Sequence[str], text: str, path: str) -> tuple[Finding, ...]:
    """The pins of services that the Compose files do not have: Compose would silently create them.

    Args:
        pins: what ``pins`` read.
        known: the services of the Compose files.
        text: the text of the pins file, for positions.
        path: what findings call the file.
    """
    unknown = {pin.service for pin in pins} - set(known)
    source = Source.of(text, path)
    file, _ = outline(source)
    keys = (
        [entry.service for entry in file.entries if entry.service.value in unknown]
        if file is not None
        else []
    )
    return tuple(
        source.finding(
            key.line,
            key.column,
            f"{quoted(key.value)} is not a service of the Compose files",
            did_you_mean(key.value, known),
        )
        for key in keys
    )


def outline(source: Source) -> tuple[PinsFile | None, list[Finding]]:
    """The services as written, and what is wrong with the layout; what the images say is not judged here.

    Returns:
        No file where there are no services; otherwise those services that have an image.
    """
    root, syntax = read(source)
    findings = [*syntax]
    if root is None:
        return None, findings
    findings += _frame(source, root)
    services = root.entry("services") if isinstance(root, Mapping) else None
    if services is None:
        return None, findings
    entries: list[Entry] = []
    for key, node in services[1].entries if isinstance(services[1], Mapping) else ():
        entry, problems = _entry(source, key, node)
        findings += problems
        entries += [entry] if entry is not None else []
    return PinsFile(services[0], None if entries else services[1], tuple(entries)), findings


def image_problem(service: str, image: str) -> tuple[str, str] | None:
    """Why ``image`` cannot be the pin of ``service``, and what to do about it; or None."""
    if len(image) > _MAX_IMAGE:
        return f"the image reference is longer than {_MAX_IMAGE} characters", ""
    try:
        reference = ImageRef.parse(image)
    except ValueError as error:
        return str(error), "" if "expected" in str(error) else f"expected {_shape(service)}"
    return None if reference.digest else ("the image has no digest", _how_to_pin(service, reference))


def _content(source: Source, file: PinsFile) -> Iterator[Finding]:
    """What is wrong with what the services say."""
    if isinstance(file.nothing, Text) and file.nothing.empty:
        yield _finding(
            source, file.services, "'services' is empty", "write 'services: {}' if nothing should be pinned"
        )
    for entry in file.entries:
        problem = image_problem(entry.service.value, "" if entry.image.empty else entry.image.value)
        if problem is not None:
            at = entry.key if entry.image.empty else entry.image
            yield _finding(source, at, *problem)


def _frame(source: Source, root: Node) -> Iterator[Finding]:
    """What is wrong around the services."""
    if not isinstance(root, Mapping):
        yield _finding(
            source, root, "a pins file is a mapping with the key 'services'", "start with 'services:'"
        )
        return
    yield from _layout(source, root)
    for key, node in root.entries:
        if key.value != "services":
            hint = did_you_mean(key.value, ["services"]) or _IMAGES_ONLY
            yield _finding(source, key, f"{quoted(key.value)} is not a key of a pins file", hint)
        elif isinstance(node, Items) or (isinstance(node, Text) and not node.empty):
            yield _finding(
                source,
                node,
                "'services' is not a mapping of services",
                "write 'services:' and a line for each",
            )
        elif isinstance(node, Mapping) and not _explicitly_nothing(source, node):
            yield from _layout(source, node)
    if root.entry("services") is None:
        yield _finding(
            source, root, "the key 'services' is missing", "write 'services: {}' if nothing should be pinned"
        )


def _explicitly_nothing(source: Source, node: Mapping) -> bool:
    return node.flow and source.text[node.start : node.end].replace(" ", "") == "{}"


def _layout(source: Source, node: Mapping) -> Iterator[Finding]:
    """Flow style, and block style that is not one plain key per line."""
    if node.flow:
        yield _finding(source, node, "{…} is not allowed in a pins file", _BLOCK_STYLE)
        return
    for key, _ in node.entries:
        if source.lines[key.line - 1][: key.column - 1].strip():
            yield _finding(source, key, f"{quoted(key.value)} does not start its line", _BLOCK_STYLE)
        if key.lines > 1 or key.style in ("|", ">"):
            yield _finding(source, key, "a key is longer than a line", _BLOCK_STYLE)


def _entry(source: Source, key: Text, node: Node) -> tuple[Entry | None, list[Finding]]:
    """One service, and what is wrong with its layout."""
    findings: list[Finding] = []
    if not _SERVICE.fullmatch(key.value):
        message = f"{quoted(key.value)} is not a service name"
        findings.append(_finding(source, key, message, "expected letters, digits and . _ -"))
    if not isinstance(node, Mapping):
        at = key if isinstance(node, Text) and node.empty else node
        hint = f"write it below as 'image: {_shape(key.value)}'"
        return None, [*findings, _finding(source, at, f"{quoted(key.value)} has no 'image'", hint)]
    findings += _layout(source, node)
    findings += _beside_the_image(source, node)
    image = node.entry("image")
    if image is None:
        return None, [*findings, _finding(source, key, f"{quoted(key.value)} has no 'image'")]
    if not isinstance(image[1], Text):
        hint = f"write 'image: {_shape(key.value)}'"
        return None, [*findings, _finding(source, image[1], "an image is text", hint)]
    if image[1].lines > 1 or image[1].style in ("|", ">"):
        findings.append(
            _finding(source, image[1], "the image spans several lines", "write it on the line of its key")
        )
    return Entry(key, image[0], image[1]), findings


def _beside_the_image(source: Source, node: Mapping) -> Iterator[Finding]:
    for key, _ in node.entries:
        if key.value != "image":
            hint = did_you_mean(key.value, ["image"]) or _IMAGES_ONLY
            yield _finding(source, key, f"{quoted(key.value)} is not a key of a pin", hint)


def _how_to_pin(service: str, image: ImageRef) -> str:
    tagged = image if image.tag else ImageRef(image.repository, "TAG")
    return f"'reconcile pin ENV {service}={tagged}' finds and writes it"


def _shape(service: str) -> str:
    return f"REGISTRY/{service[:40]}:TAG@sha256:…"


def _pin(entry: Entry) -> Pin:
    return Pin(entry.service.value, ImageRef.parse(entry.image.value), entry.image.line, entry.image.column)


def _finding(source: Source, node: Node, message: str, hint: str = "") -> Finding:
    return source.finding(node.line, node.column, message, hint)
