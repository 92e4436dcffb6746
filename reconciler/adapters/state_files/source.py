"""A text that somebody wrote, and where in it something is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from reconciler.errors import Finding, InvalidSettings, InvalidState

MAX_BYTES: Final = 1024 * 1024
MAX_FINDINGS: Final = 50
_MAX_EXCERPT = 200
_MAX_QUOTED = 60
_MAX_REDACTED = (
    4096  # A line may be 1 MiB long. What follows is not shown, but may tell that a secret came before.
)

# Secrets in URLs: whatever stands before the @ of http(s), and whatever looks like user:password elsewhere.
_CREDENTIALS = re.compile(r"(?:(?<=http://)|(?<=https://))[^/\s]+(?=@)|(?<=://)[^/\s@:]*:[^/\s]*(?=@)")
# What follows a word that announces a secret, up to the end of the value.
_ANNOUNCED = re.compile(
    r"""(?ix) ( \b (?:(?:proxy-)?authorization|x-api-key|x-auth-token|passwd|password|client_secret|key)
                ["']? [ \t]* : [ \t]* (?P<quote>["'])? )
        (?P<value> (?(quote) (?:(?!(?P=quote)).)+ | [^,}]+ ) )"""
)
_BEARER = re.compile(r"(?i)(\b(?:bearer|basic)[ \t]+)(?P<value>[A-Za-z0-9._~+/=-]{6,})")


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text under the path that findings name; ``lines`` are without their line ends."""

    text: str
    path: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, text: str, path: str) -> Source:
        """Take ``text`` apart into lines as YAML does: at LF, CRLF and CR."""
        return cls(text, path, tuple(_unix(text).split("\n")))

    def finding(self, line: int, column: int, message: str, hint: str = "") -> Finding:
        """A problem at a position counted from 1, with its line as the excerpt."""
        excerpt = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Finding(
            self.path, line, column, message, hint, redacted(excerpt[:_MAX_REDACTED])[:_MAX_EXCERPT]
        )

    def finding_at(self, index: int, message: str, hint: str = "") -> Finding:
        """A problem at the character ``index`` of the text."""
        return self.finding(*position(self.text, index), message, hint)


def decode(data: bytes, path: str, invalid: type[InvalidSettings] | type[InvalidState] = InvalidState) -> str:
    """The text of a file of the state folder.

    Args:
        data: the file's bytes, which must be UTF-8, and not more than 1 MiB.
        path: what findings call the file.
        invalid: the error to raise: ``InvalidSettings`` for ``reconcile.yaml``.

    Raises:
        InvalidSettings, InvalidState: with the position of the first byte that is not UTF-8.
    """
    if len(data) > MAX_BYTES:
        raise invalid(cannot_be_used(path), findings=(too_large(path),))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        hint = "save it as UTF-8 without a byte order mark"
        finding = Finding(path, 1, 1, "the file is UTF-16, not UTF-8", hint)
        raise invalid(cannot_be_used(path), findings=(finding,))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        source = Source.of(data.decode(errors="replace"), path)
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        finding = source.finding(*position(before, len(before)), message, "save the file as UTF-8")
        raise invalid(cannot_be_used(path), findings=(finding,)) from None


def cannot_be_used(path: str) -> str:
    """The sentence above the findings of one file."""
    return f"{path} cannot be used"


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings of one file by position, none twice, and no more than anybody would read."""
    return tuple(sorted(set(islice(findings, MAX_FINDINGS))))


def too_large(path: str) -> Finding:
    """The finding for a file above the size limit; it has no position."""
    hint = "files of the state folder are small: is it the right one?"
    return Finding(path, 0, 0, "the file is larger than 1 MiB", hint)


def position(text: str, index: int) -> tuple[int, int]:
    """Line and column, counted from 1, of the character ``index``."""
    before = _unix(text[:index])
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def quoted(text: str) -> str:
    """``text`` for a message: in quotes, escaped, shortened, without credentials."""
    shown = redacted(text[:_MAX_REDACTED])
    return repr(shown if len(shown) <= _MAX_QUOTED else shown[: _MAX_QUOTED - 1] + "…")


def redacted(text: str) -> str:
    """``text`` with credentials starred out, at the same length so that columns stay true."""
    shown = _CREDENTIALS.sub(lambda match: "*" * len(match[0]), text)
    return _BEARER.sub(_starred, _ANNOUNCED.sub(_starred, shown))


def _starred(match: re.Match[str]) -> str:
    """What announces a secret, and stars. ``${NAME}`` is no secret."""
    return match[0] if "${" in match["value"] else match[1] + "*" * len(match["value"])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint with the known word that ``word`` is probably a slip of, or empty."""
    import difflib

    close = difflib.get_close_matches(word, list(known), n=1) if len(word) <= _MAX_QUOTED else []
    return f"did you mean {close[0]!r}?" if close else ""


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
