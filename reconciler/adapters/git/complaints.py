"""What git complains about, made fit to be shown."""

from __future__ import annotations

import re

from reconciler.errors import RepositoryFailed, Stale

# With a scheme whatever is before the @; without one (git:// looks up `user:password@host`) only pairs.
_CREDENTIALS = re.compile(r"(?<=://)[^/\s'\"]+(?=@)|(?<![\w:/])[^/\s'\"@:]+:[^/\s'\"@]+(?=@)")
_TOKENS = re.compile(r"([?&][\w-]*(?:token|key|secret|password)[\w-]*=)[^&\s'\"]+", re.IGNORECASE)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def failure(command: str, complaint: str) -> RepositoryFailed:
    """What to say when git itself failed; ``complaint`` is what it said."""
    damaged = re.search(
        r"corrupt|is empty|bad object|unable to (?:read|unpack|find)|missing (?:object|blob)", complaint
    )
    hint = (
        "The repository is damaged; git fsck shows where. A fresh clone is the safe way out"
        if damaged
        else ""
    )
    return RepositoryFailed(f"git {command} failed: {complaint}", hint=hint)


def outrun(what: str, why: str) -> Stale | RepositoryFailed:
    """What to say when ``what`` could not be moved in any attempt; ``why`` is what git said last."""
    if "File exists" in why:
        hint = "If no other git is running, one was killed and left the lock file: remove it"
        return RepositoryFailed(f"{what} is locked: {why}", hint=hint)
    return Stale(f"{what} was moved by others each time ({why})", hint="Run again")


def clean(raw: bytes) -> str:
    """Text that may be shown: no credentials of URLs, no control characters."""
    text = _CONTROL.sub("", raw.decode("utf-8", "replace").replace("\r", "\n"))
    return _TOKENS.sub(r"\1***", _CREDENTIALS.sub("***", text)).strip()
