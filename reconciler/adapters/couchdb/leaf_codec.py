"""A leaf as CouchDB writes it, and as we keep it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reconciler.domain.documents import Leaf

_ATTACHMENTS = "_attachments"
_WITH_CONTENT = ("content_type", "data")
_WITHOUT = ("content_type", "digest", "length")


def leaf_of(document: Mapping[str, Any]) -> Leaf:
    """Read a document that was asked for with ``revs=true``.

    Raises:
        KeyError, TypeError, ValueError: it is not built as one.
    """
    revisions = document["_revisions"]
    body = {name: value for name, value in document.items() if not name.startswith("_")}
    if attachments := document.get(_ATTACHMENTS):
        body[_ATTACHMENTS] = {name: _attachment(value) for name, value in attachments.items()}
    history = tuple(str(one) for one in revisions["ids"])
    if not history:
        raise ValueError("a revision without a hash")
    return Leaf(
        str(document["_id"]),
        int(revisions["start"]),
        history,
        canonical(body),
        deleted=document.get("_deleted") is True,
    )


def document_of(leaf: Leaf) -> dict[str, Any]:
    """Write a leaf for ``new_edits: false``: the revisions are those that it says.

    Raises:
        ValueError: an attachment is without its content.
    """
    body: dict[str, Any] = json.loads(leaf.body)
    for name, attachment in body.get(_ATTACHMENTS, {}).items():
        if "data" not in attachment:
            raise ValueError(f"attachment {name!r} of {leaf.document!r} is without its content")
    revisions = {"start": leaf.generation, "ids": list(leaf.history)}
    own: dict[str, Any] = {"_id": leaf.document, "_rev": leaf.revision, "_revisions": revisions}
    return body | own | ({"_deleted": True} if leaf.deleted else {})


def attached_bytes(leaf: Leaf) -> int:
    """How many bytes the attachments of a leaf will have that was read without their content."""
    if _ATTACHMENTS not in leaf.body:
        return 0
    return sum(1 + int(one.get("length", 0)) for one in json.loads(leaf.body).get(_ATTACHMENTS, {}).values())


def canonical(value: object) -> str:
    """JSON, the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _attachment(found: Mapping[str, Any]) -> dict[str, Any]:
    """What it is, or, with its content, that: the server counts length and digest of it again."""
    return {name: found[name] for name in (_WITH_CONTENT if "data" in found else _WITHOUT)}
