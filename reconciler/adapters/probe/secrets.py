"""``${NAME}``: filled in from the environment, from files and from captured values, and hidden again."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from reconciler.adapters.probe.unaskable import Unaskable

SHOWN_CHARACTERS = 80
_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_-]*)\}")
_SHORT = 4  # what is shorter is hidden where it came from outside, not in our own words: "401" stays "401"


class Secrets:
    """What ``${NAME}`` stands for during one look.

    Args:
        environ: where names are looked up, as NAME or as the file that NAME_FILE names.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._captured: dict[str, str] = {}
        self._seen: list[tuple[str, str]] = []

    def fill(self, text: str) -> str:
        """``text`` with every ``${NAME}`` replaced, as it is.

        Raises:
            Unaskable: one of them has no value.
        """
        return _NAME.sub(lambda match: self._value(match[1]), text)

    def fill_json(self, text: str) -> str:
        """JSON text with every ``${NAME}`` inside its strings replaced; the values stay inside them.

        Raises:
            Unaskable: one of them has no value, or it is not JSON.
        """
        try:
            return json.dumps(self._filled(json.loads(text)), ensure_ascii=False)
        except (ValueError, RecursionError):
            raise Unaskable("the JSON to send is not valid") from None

    def missing(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those that have no value."""
        return tuple(name for name in names if not (self._environ.get(name, "") or self._file(name)))

    def capture(self, name: str, value: str) -> None:
        """Let ``${name}`` stand for something that was in an answer."""
        self._captured[name] = value
        self._seen.append((name, value))

    def shown(self, text: str, most: int = SHOWN_CHARACTERS) -> str:
        """Something from outside as one short line, without values; cutting comes last."""
        line = " ".join(self._without(text, 1).split())
        line = "".join(c if c.isprintable() else "?" for c in line)
        return line if len(line) <= most else f"{line[: most - 1]}…"

    def hidden_in(self, text: str) -> str:
        """Our own words without values, should one have got into them all the same."""
        return self._without(text, _SHORT)

    def _value(self, name: str) -> str:
        if name in self._captured:
            return self._captured[name]
        value = self._environ.get(name, "") or self._file(name)
        if not value:
            # Empty counts as missing: that is what an unset secret looks like in most CI systems.
            raise Unaskable(f"{name} is not set, and no {name}_FILE can be read")
        self._seen.append((name, value))
        return value

    def _file(self, name: str) -> str:
        file = self._environ.get(f"{name}_FILE", "")
        try:
            return Path(file).read_text(encoding="utf-8").strip() if file else ""
        except (OSError, ValueError):
            return ""

    def _filled(self, value: object) -> object:
        match value:
            case str():
                return self.fill(value)
            case list():
                return [self._filled(item) for item in value]
            case dict():
                return {self.fill(key): self._filled(item) for key, item in value.items()}
            case _:
                return value

    def _without(self, text: str, shortest: int) -> str:
        names = {
            form.casefold(): name
            for name, value in self._seen
            for form in _forms(value)
            if len(form) >= shortest
        }
        if not names:
            return text
        # The longest first, as one secret may contain another. Percent-encoding comes in both cases.
        found = "|".join(re.escape(form) for form in sorted(names, key=len, reverse=True))
        return re.sub(
            found, lambda match: f"${{{names.get(match[0].casefold(), 'SECRET')}}}", text, flags=re.IGNORECASE
        )


def _forms(value: str) -> Iterator[str]:
    """How a value may come back to us: as it is, in a URL, in JSON, in base64, or read as Latin-1."""
    raw = value.encode("utf-8", "surrogateescape")
    yield value
    yield value.strip()
    yield quote(raw)
    yield quote(raw, safe="")
    yield quote_plus(raw)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield raw.decode("latin-1")
    if len(value) >= _SHORT:
        yield base64.b64encode(raw).decode("ascii").rstrip("=")
