"""Text of others for services that give characters a meaning: what marks mentions, links and formatting is
replaced by what only looks like it.
"""

from __future__ import annotations

_ALIKE = {
    "*": "\N{ASTERISK OPERATOR}",
    "~": "\N{TILDE OPERATOR}",
    "`": "\N{MODIFIER LETTER GRAVE ACCENT}",
    "@": "\N{FULLWIDTH COMMERCIAL AT}",
    "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
    ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
    "[": "\N{FULLWIDTH LEFT SQUARE BRACKET}",
    "]": "\N{FULLWIDTH RIGHT SQUARE BRACKET}",
    "&": "\N{FULLWIDTH AMPERSAND}",
}


def looking_alike(text: str, *, but: str = "") -> str:
    """``text`` without any of these characters, but for those in ``but``; no address in it becomes a link."""
    table = str.maketrans({found: alike for found, alike in _ALIKE.items() if found not in but})
    return text.translate(table).replace("://", ":\N{FRACTION SLASH}\N{FRACTION SLASH}")
