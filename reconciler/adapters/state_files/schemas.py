"""The JSON Schemas: where they are, and what a document has against them, in words for people.

The schema is the only source of what ``reconcile.yaml`` may hold; editors read the same file. Its
``patternErrorMessage`` and ``errorMessage`` (keywords of the VS Code and YAML language servers) are the
messages here as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Dict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.adapters.state_files.nodes import Items, Mapping, Node, Text
from reconciler.adapters.state_files.source import Source, did_you_mean, in_order, quoted
from reconciler.errors import Failed, Finding

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

# Keys of the whole product's reconcile.yaml that this version does not act on: saying so is better than
# "unknown key", and ignoring a check would be worse than both.
_CHECK_KINDS: Final = frozenset({"latency", "memory", "logs", "flow", "tcp", "exec", "errors", "query"})
_ENVIRONMENT_PARTS: Final = frozenset({"data", "severity"})

_TYPES: Final = {
    "object": "a mapping of keys and values",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
}
# Plain scalars that are not text to a YAML 1.2 reader. https://yaml.org/spec/1.2.2/#1032-tag-resolution
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


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
    """The schema called ``name``: ``reconcile`` or ``pins``.

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

    errors = Draft202012Validator(schema).iter_errors(instance(root))
    explained = (finding for error in errors for finding in _explain(source, root, error))
    return in_order(explained)


def instance(node: Node) -> Any:
    """The node as JSON Schema sees it: plain scalars get the type that YAML 1.2's core schema gives them."""
    match node:
        case Mapping():
            return {key.value: instance(value) for key, value in node.entries}
        case Items():
            return [instance(item) for item in node.items]
        case Text(style="") if node.empty:
            return None
        case Text(style="", value="true" | "True" | "TRUE" | "false" | "False" | "FALSE"):
            return node.value.lower() == "true"
        case Text(style="") if _INTEGER.fullmatch(node.value):
            # The schema asks for one small number; what is longer than that only has to be a number.
            return int(node.value) if node.value.isdecimal() and len(node.value) < 10 else 0.5
        case Text(style="") if _FLOAT.fullmatch(node.value):
            return 0.5
    return node.value


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
        return
    match error.validator:
        case "additionalProperties" if isinstance(node, Mapping):
            yield from _unknown_keys(source, node, name, schema["properties"])
        case "required" if isinstance(node, Mapping):
            if not _unsupported_keys(node, schema["properties"]):
                missing = [wanted for wanted in schema["required"] if node.entry(wanted) is None]
                yield from (
                    _finding(
                        source,
                        key or node,
                        f"{_at(name)} has no {wanted!r}",
                        _example(schema["properties"][wanted]),
                    )
                    for wanted in missing
                )
        case "type" | "minProperties" | "minItems":
            yield _finding(source, _position(key, node), *_wrong_type(name, node, schema))
        case "maxLength" | "maxItems":
            what = "characters" if error.validator == "maxLength" else "entries"
            yield _finding(source, node, f"{_at(name)} has more than {schema[error.validator]} {what}")
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


def _unsupported_keys(node: Mapping, known: Dict[str, Any]) -> frozenset[str]:
    """Keys that belong to the format, but not to this version of the program."""
    wanted = _CHECK_KINDS if "http" in known else _ENVIRONMENT_PARTS if "project" in known else frozenset()
    return wanted & {key.value for key, _ in node.entries}


def _unknown_keys(source: Source, node: Mapping, name: str, known: Dict[str, Any]) -> Iterator[Finding]:
    unsupported = _unsupported_keys(node, known)
    for key, _ in node.entries:
        if key.value in unsupported:
            what = f"a check of the kind {key.value!r}" if "http" in known else repr(key.value)
            hint = "remove it: checks are 'http' so far" if "http" in known else "remove it"
            yield _finding(source, key, f"{_at(name)}: {what} is not supported by this version", hint)
        elif key.value not in known:
            hint = did_you_mean(key.value, known) or f"known here: {', '.join(known)}"
            yield _finding(source, key, f"{quoted(key.value)} is not a key of {_at(name)}", hint)


def _wrong_type(name: str, node: Node, schema: Dict[str, Any]) -> tuple[str, str]:
    expected = _TYPES[schema["type"]]
    if (isinstance(node, Text) and node.empty) or not isinstance(node, Text):
        empty = isinstance(node, Text) or not (node.entries if isinstance(node, Mapping) else node.items)
        return (
            f"{_at(name)} {'is empty' if empty else 'is of the wrong kind'}: {expected} is expected",
            _example(schema),
        )
    if schema["type"] == "string":
        unit = "patternErrorMessage" in schema and "unit" in schema["patternErrorMessage"]
        hint = f"write {node.value}s" if unit and node.value.isdecimal() else f"quote it: {node.value!r}"
        return (
            f"{_at(name)}: {node.value} is read as a number or as true or false, and text is expected",
            hint,
        )
    return f"{_at(name)}: {quoted(node.value)} is not {expected}", _example(schema)


def _wrong_word(name: str, node: Node, schema: Dict[str, Any]) -> tuple[str, str]:
    shown = quoted(node.value) if isinstance(node, Text) else "this"
    words = schema.get("enum")
    if words is None:
        return f"{_at(name)}: {shown} is not supported by this version", f"write {schema['const']}"
    hint = did_you_mean(node.value, words) if isinstance(node, Text) else ""
    return f"{_at(name)}: {shown} is none of {', '.join(words)}", hint
