"""Texts that are not YAML: what must not even reach the parser, and what the parser says, in plain words."""

from __future__ import annotations

import re
from typing import Final

import yaml

from reconciler.adapters.state_files.source import MAX_BYTES, Source, quoted, too_large
from reconciler.errors import Finding

MAX_DEPTH: Final = 32
# Control characters, lone surrogates, characters that only some readers take for line breaks (NEL, LS, PS),
# and those that reorder what a reviewer sees (https://trojansource.codes).
_SUSPECT = (
    "[^\t\n\r -~\u00a0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_SUSPECT_ASCII = re.compile("[^\t\n\r -~]")
"""The same for ordinary texts: compiling the other takes as long as reading ten of them."""
_DIRECTIVE = re.compile(r"(?:\A|(?<=[\r\n]))%")

# What libyaml says, and what that means to the person who wrote the file.
_PLAIN_WORDS = (
    ("maximum nesting depth", f"nested more than {MAX_DEPTH} levels deep", ""),  # the parser's own limit
    ("tab character", "a tab where the indentation ends", "indent with spaces"),
    (
        "cannot start any token",
        "this character cannot start a value",
        "indent with spaces, not tabs; quote the value",
    ),
    (
        "mapping values are not allowed",
        "a second ':' or a wrong indentation",
        "quote a value that contains ': '",
    ),
    ("could not find expected ':'", "a key without ':'", "write 'key: value'"),
    (
        "did not find expected key",
        "the indentation fits no line above",
        "use the same number of spaces as its neighbours",
    ),
    ("found unexpected end of stream", "a quote or bracket is never closed", "close it where it should end"),
    (
        "did not find expected ',' or",
        "a bracket is never closed, or a comma is missing",
        "close it where it should end",
    ),
    ("did not find expected node content", "a value is missing here", "close the bracket or write the value"),
    (
        "did not find expected <document start>",
        "text after the end of the document",
        "keep one document in the file",
    ),
)


def unreadable(source: Source) -> Finding | None:
    """What must not even reach the parser, or None."""
    if len(source.text) > MAX_BYTES or len(source.text.encode(errors="replace")) > MAX_BYTES:
        return too_large(source.path)
    suspect = (
        _SUSPECT_ASCII.search(source.text) if source.text.isascii() else re.search(_SUSPECT, source.text)
    )
    if suspect is not None:
        return source.finding_at(suspect.start(), *_about_character(suspect[0], suspect.start()))
    # Directives change what the text means, and libyaml takes 3 s for 1 MiB of them.
    directive = _DIRECTIVE.search(source.text)
    if directive is not None:
        return source.finding_at(
            directive.start(), "directives (lines that start with %) are not supported", "remove it"
        )
    return None


def _about_character(character: str, index: int) -> tuple[str, str]:
    code = ord(character)
    if character == "\ufeff" and index == 0:
        return "the file starts with a byte order mark", "save it as UTF-8 without one"
    if character == "\0":
        return "the file contains a NUL character", "save it as UTF-8: it may be UTF-16, or not text at all"
    if 0xD800 <= code <= 0xDFFF:
        return f"half of a surrogate pair (U+{code:04X}) is not a character", "save the file as UTF-8"
    if code in range(0x202A, 0x202F) or code in range(0x2066, 0x206A):
        return f"U+{code:04X} reorders the text that a reader sees", "remove it"
    return f"the character U+{code:04X} is not allowed here", "remove it"


def syntax_error(source: Source, error: yaml.MarkedYAMLError) -> Finding:
    """The parser's error, where it is and in plain words."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    problem = error.problem or error.context or "unknown problem"
    for words, message, hint in _PLAIN_WORDS:
        if words in problem:
            return source.finding(line, column, f"not YAML: {message}", hint)
    return source.finding(line, column, f"not YAML: {quoted(problem)[1:-1]}")
