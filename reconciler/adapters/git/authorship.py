"""Who a commit is by, where that is asked for instead of what Git's own settings say."""

from __future__ import annotations

import re

from reconciler.errors import Refused

# Git drops punctuation at the ends of both, and refuses a name that is nothing else.
_AUTHOR = re.compile(r"(?P<name>[^<>]*\w[^<>]*?) *<(?P<address>[^<> ]*\w[^<> ]*)>")
_LONGEST = 300


def authorship(author: str) -> dict[str, str]:
    """The variables that make ``author`` author and committer of a commit; none where it is empty.

    The date is not among them. A line break would end the header of the commit, and begin another one.

    Args:
        author: ``Name <address>``.

    Raises:
        Refused: it has another form, or characters that cannot be printed.
    """
    if not author:
        return {}
    found = _AUTHOR.fullmatch(author) if len(author) <= _LONGEST and author.isprintable() else None
    if found is None:
        shown = repr(author if len(author) <= 80 else author[:80] + "…")
        raise Refused(f"{shown} cannot be the author of a commit", hint="Write it as: Name <address>")
    name, address = found["name"].strip(), found["address"]
    return {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", address))
    }
