"""What kind of line it is: a log line without all that differs from one time to the next.

Two lines of one kind come from one place in the program. Everything that varies is replaced: times, numbers,
identifiers, addresses, quoted values. Case stays: ``error`` and ``ERROR`` are written by different hands.
Every expression here takes time in proportion to the line, whatever the line: each begins only where the one
before could not go on.
"""

from __future__ import annotations

import json
import re

LONGEST = 2000
LONGEST_KIND = 500
LONGEST_JSON = 20_000
"""The engine cuts lines at 16 KiB; what is longer does not parse anyhow."""

CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
"""Escape sequences of terminals, and other control characters but the tab."""

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = r"\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?(?:\s?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
_STEPS = tuple(
    (re.compile(expression), replacement)
    for expression, replacement in (
        (rf"(?<!\d)\d{{4}}[-/.]\d{{2}}[-/.]\d{{2}}(?:[T ,]\s?{_CLOCK})?", "<time>"),  # ISO 8601, Go, Python
        (
            rf"(?:\b[A-Z][a-z]{{2}},? )?\b{_MONTH} [ \d]\d (?:{_CLOCK})(?: \d{{4}})?",
            "<time>",
        ),  # syslog, asctime
        (
            rf"(?:\b[A-Z][a-z]{{2}}, )?(?<!\d)\d{{1,2}}[/ ]{_MONTH}[/ ]\d{{4}}[: ]{_CLOCK}",
            "<time>",
        ),  # Apache, RFC 1123
        (rf"(?<![\d:]){_CLOCK}", "<time>"),
        # The message itself, in logfmt, is not a value that varies.
        (r"(?<!\w)(msg|message|err|error|reason|cause)=\"([^\"]*)\"", r"\1=\2"),
        (r"\"[^\"]*\"|`[^`]*`|(?<!\w)'[^']*'(?!\w)", "<text>"),
        (r"(?<![\w.+-])[\w.+-]+@\w[\w.-]*", "<mail>"),
        # Numbers, ids and addresses share one sign: a hexadecimal id may happen to have no letter.
        (r"(?i)(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])", "#"),
        (r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])(?:[:/]\d+)?", "#"),
        (r"(?i)\[?(?<![\w:])(?=[a-f:]*\d)(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])\]?(?::\d+)?", "#"),
        (r"(?i)(?<!\w)(?:0x[0-9a-f]+|(?=[a-f]*\d)[0-9a-f]{7,})(?!\w)", "#"),
        (r"/(?=[A-Za-z_~%.-]*\d)[\w~%.-]+", "/#"),  # the part of a path that has a digit
        (r"(?<![\w-])(?=[A-Za-z_-]*\d)[\w-]{16,}", "#"),
        (r"[+-]?\d+(?:[.,:]\d+)*", "#"),
        (r"#\s?(?:ns|[uµμ]s|ms|s|min|m|h|[kKMGT]i?B|B)\b", "#"),  # 900 ms and 1.1 s are one thing
        (r"##+", "#"),
        (r"\s+", " "),
    )
)


def signature(line: str) -> str:
    """The kind of a line.

    Of a line of JSON, all values count, without their quotes: its text is in them.
    """
    plain = CONTROL.sub("", line).strip()
    if plain.startswith("{") and len(plain) <= LONGEST_JSON:
        try:
            return _reduced(" ".join(_values(json.loads(plain), "")))
        except (ValueError, RecursionError):
            pass
    return _reduced(plain)


def _values(value: object, name: str) -> list[str]:
    """``name=value`` of everything in a document; of a text the first line, since stack traces vary."""
    if isinstance(value, dict):
        return [text for key, one in value.items() for text in _values(one, str(key))]
    if isinstance(value, list):
        return [text for one in value for text in _values(one, name)]
    return [f"{name}={str(value).partition(chr(10))[0]}"]


def _reduced(text: str) -> str:
    text = text[:LONGEST]
    for expression, replacement in _STEPS:
        text = expression.sub(replacement, text)
    return text.strip()[:LONGEST_KIND]
