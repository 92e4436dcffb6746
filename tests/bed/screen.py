"""A terminal for tests: what a person sees after everything that was written to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(slots=True)
class Screen:
    """As much of a terminal as the rows need: what is written, what scrolled, where the cursor is."""

    columns: int = 100
    lines: list[str] = field(default_factory=lambda: [""])
    at: int = 0

    def feed(self, text: str) -> None:
        for token in re.findall(r"\x1b\[\d*[A-Zm]|\r|\n|[^\x1b\r\n]+", text):
            match = re.fullmatch(r"\x1b\[(\d*)([A-Zm])", token)
            if match and match[2] == "A":
                self.at -= int(match[1] or 1)
                assert self.at >= 0, "the cursor left the screen"
            elif match and match[2] == "J":
                self.lines[self.at :] = [""]
            elif match:
                assert match[2] == "m", token
            elif token == "\n":
                self.at += 1
                self.lines += [""] * (self.at + 1 - len(self.lines))
            elif token != "\r":
                assert len(token) <= self.columns or not self.lines[self.at], "a row must not wrap"
                self.lines[self.at] = token

    @property
    def text(self) -> str:
        return "\n".join(self.lines).rstrip("\n")
