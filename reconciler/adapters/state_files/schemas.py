"""The JSON Schemas: where they are, and what a document has against them, in words for people.

The schema is the only source of what ``reconcile.yaml`` may hold; editors read the same file. Its
``patternErrorMessage`` and ``errorMessage`` (keywords of the VS Code and YAML language servers) are the
messages here as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Dict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.adapters.state_files.nodes import Items, Mapping, Node, Text
from reconciler.adapters.state_files.scalars import document
from reconciler.adapters.state_files.source import Source, did_you_mean, in_order, quoted
from reconciler.errors import Failed, Finding

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_TYPES: Final = {
    "object": "a mapping of keys and values",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
}


def folder() -> Path:
    """Where the schemas are: beside the modules in a wheel, at the top of the tree in a checkout.

    Raises:
        Failed: this installation has none.
    """
    package = Path(__file__).parents[2]
    for candidate in (package / "schemas", package.parent / "schemas"):
        if (candidate / "reconcile.schema.json").is_file():
            return candidate
    raise Failed(f"the JSON Schemas are missing from {package}", hint="Install reconcile again")


def load(name: str) -> dict[str, Any]:
    """The schema called ``name``: ``reconcile``, ``pins``, ``watch``, ``output`` or ``log``.

    Raises:
        Failed: this installation has none.
    """
    schema: dict[str, Any] = json.loads(text(name))
    return schema


def text(name: str) -> str:
    """The same as text.

    Raises:
        Failed: this installation has none.
    """
    return (folder() / f"{name}.schema.json").read_text(encoding="utf-8")


def violations(source: Source, root: Node, schema: Dict[str, Any]) -> tuple[Finding, ...]:
    """What ``root`` has against ``schema``, in the order of the file."""
    # Imported late: it takes 90 ms, and only commands that read state need it.
    from jsonschema import Draft202012Validator

    errors = Draft202012Validator(schema).iter_errors(document(root))
    explained = (finding for error in errors for finding in _explain(source, root, error))
    return in_order(explained)


def _explain(source: Source, root: Node, error: ValidationError) -> Iterator[Finding]:
    """One error of jsonschema as findings."""
    key, node = _find(root, error.absolute_path)
    name = ".".join(str(part) for part in error.absolute_path)
    schema = error.schema
    assert isinstance(schema, dict)
    if "propertyNames" in error.absolute_schema_path:
        named = node.entry(str(error.instance)) if isinstance(node, Mapping) else None
        yield _finding(
            source, named[0] if named else node, f"{quoted(str(error.instance))}: {_words(schema)}"
        )
    elif schema.get("writeOnly"):  # whatever was written there may be a secret, and so may its line
        yield Finding(source.path, node.line, node.column, f"{_at(name)}: {_words(schema)}", _example(schema))
    else:
        yield from _broken(source, key, node, name, error)


def _broken(
    source: Source, key: Text | None, node: Node, name: str, error: ValidationError
) -> Iterator[Finding]:
    """A rule of the schema that what stands at ``node`` breaks."""
    schema = error.schema
    assert isinstance(schema, dict)
    match error.validator:
        case "additionalProperties" if isinstance(node, Mapping):
            yield from _unknown_keys(source, node, name, schema["properties"])
        case "required" if isinstance(node, Mapping):
            for wanted in schema["required"]:
                if node.entry(wanted) is None:
                    example = _example(schema["properties"][wanted])
                    yield _finding(source, key or node, f"{_at(name)} has no {wanted!r}", example)
        case "oneOf" if isinstance(node, Mapping):
            yield from _wrong_choice(source, key, node, name, schema)
        case "type" | "minProperties" | "minItems":
            yield _finding(source, _position(key, node), *_wrong_type(name, node, schema))
        case "maxLength" | "maxItems" | "minLength" | "minimum" | "maximum":
            yield _finding(source, node, _wrong_size(name, str(error.validator), schema))
        case "enum" | "const":
            yield _finding(source, node, *_wrong_word(name, node, schema))
        case _:
            yield _finding(source, node, f"{_at(name)}: {_words(schema)}", _example(schema))


def _find(root: Node, path: Sequence[str | int]) -> tuple[Text | None, Node]:
    """The node at ``path``, and its key as written where it has one."""
    key: Text | None = None
    node = root
    for part in path:
        if isinstance(node, Mapping) and (entry := node.entry(str(part))) is not None:
            key, node = entry
        elif isinstance(node, Items) and isinstance(part, int):
            key, node = None, node.items[part]
    return key, node


def _finding(source: Source, node: Node, message: str, hint: str = "") -> Finding:
    return source.finding(node.line, node.column, message, hint)


def _position(key: Text | None, node: Node) -> Node:
    """Where to point: an empty value is invisible, and so its key is shown."""
    return key if key is not None and isinstance(node, Text) and node.empty else node


def _at(name: str) -> str:
    return quoted(name) if name else "the file"


def _words(schema: Dict[str, Any]) -> str:
    """What the schema itself says about a value that does not fit."""
    said: str = schema.get("patternErrorMessage") or schema.get("errorMessage") or "this value is not allowed"
    return said


def _example(schema: Dict[str, Any]) -> str:
    examples = schema.get("examples", ())
    return f"for example {json.dumps(examples[0])}" if examples else ""


def _wrong_choice(
    source: Source, key: Text | None, node: Mapping, name: str, schema: Dict[str, Any]
) -> Iterator[Finding]:
    """None of several keys, or more than one; the second one is shown."""
    choices = {one["required"][0] for one in schema["oneOf"] if "required" in one}
    chosen = [written for written, _ in node.entries if written.value in choices]
    known = schema.get("properties", {})
    if not chosen and any(written.value not in known for written, _ in node.entries):
        return  # The unknown key is meant to be one of them.
    yield _finding(source, chosen[1] if chosen[1:] else key or node, f"{_at(name)}: {_words(schema)}")


def _unknown_keys(source: Source, node: Mapping, name: str, known: Dict[str, Any]) -> Iterator[Finding]:
    for key, _ in node.entries:
        if key.value not in known:
            hint = did_you_mean(key.value, known) or f"known here: {', '.join(known)}"
            yield _finding(source, key, f"{quoted(key.value)} is not a key of {_at(name)}", hint)


def _wrong_size(name: str, limit: str, schema: Dict[str, Any]) -> str:
    match limit:
        case "minLength":
            return f"{_at(name)} is empty"
        case "minimum" | "maximum":
            return f"{_at(name)} must be at {'least' if limit == 'minimum' else 'most'} {schema[limit]:g}"
        case _:
            what = "characters" if limit == "maxLength" else "entries"
            return f"{_at(name)} has more than {schema[limit]} {what}"


def _wrong_type(name: str, node: Node, schema: Dict[str, Any]) -> tuple[str, str]:
    expected = _TYPES[schema["type"]]
    if (isinstance(node, Text) and node.empty) or not isinstance(node, Text):
        empty = isinstance(node, Text) or not (node.entries if isinstance(node, Mapping) else node.items)
        return (
            f"{_at(name)} {'is empty' if empty else 'is of the wrong kind'}: {expected} is expected",
            _example(schema),
        )
    if schema["type"] == "string":
        return (
            f"{_at(name)}: {node.value} is read as a number or as true or false, and text is expected",
            _as_text(node.value, schema.get("patternErrorMessage", "")),
        )
    return f"{_at(name)}: {quoted(node.value)} is not {expected}", _example(schema)


def _as_text(value: str, wanted: str) -> str:
    """What to write instead of a number."""
    if value.isdecimal() and "unit" in wanted:
        return f"write {value}s"
    return f"write {value}%" if "percentage" in wanted else f"quote it: {value!r}"


def _wrong_word(name: str, node: Node, schema: Dict[str, Any]) -> tuple[str, str]:
    shown = quoted(node.value) if isinstance(node, Text) else "this"
    words = schema.get("enum")
    if words is None:
        return f"{_at(name)}: {shown} is not supported by this version", f"write {schema['const']}"
    hint = did_you_mean(node.value, words) if isinstance(node, Text) else ""
    return f"{_at(name)}: {shown} is none of {', '.join(words)}", hint
