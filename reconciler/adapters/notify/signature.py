"""Signatures of webhooks, as Standard Webhooks 1.0.0 has them.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from hashlib import sha256

from reconciler.errors import NoticeRefused

_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64


def keys_of(secret: str) -> tuple[bytes, ...]:
    """The keys of a secret; several, with spaces between them, while one is replaced by another.

    Raises:
        NoticeRefused: one of them is none.
    """
    keys = tuple(_key(part) for part in secret.split())
    if not keys:
        raise NoticeRefused("the secret of the webhook is empty")
    return keys


def message_id(key: str) -> str:
    """The same for each attempt to tell an event, and without what separates the parts that are signed."""
    return f"msg_{sha256(key.encode()).hexdigest()[:32]}"


def signed(
    identity: str, timestamp: int, body: bytes, keys: tuple[bytes, ...]
) -> tuple[tuple[str, str], ...]:
    """The headers that a receiver checks.

    Args:
        identity: see ``message_id``.
        timestamp: of this attempt, in seconds since 1970.
        body: exactly what is sent.
        keys: one signature is made with each.
    """
    content = f"{identity}.{timestamp}.".encode() + body
    signatures = (b64encode(hmac.new(key, content, sha256).digest()).decode() for key in keys)
    return (
        ("webhook-id", identity),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", " ".join(f"v1,{signature}" for signature in signatures)),
    )


def _key(part: str) -> bytes:
    try:
        key = b64decode(part.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not part.startswith(_PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
        raise NoticeRefused(
            "the secret of the webhook is not one of Standard Webhooks",
            hint=f"It is {_PREFIX} and base64 of {_SHORTEST} to {_LONGEST} random bytes: "
            f'echo "{_PREFIX}$(openssl rand -base64 32)"',
        )
    return key
