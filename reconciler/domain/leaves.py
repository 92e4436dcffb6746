"""Leaf revisions of whole databases, compared: what a copy lacks, and a digest to tell it again."""

from __future__ import annotations

import hashlib

from reconciler.domain.documents import Leaves


def digest_of(leaves: Leaves) -> str:
    """SHA-256 over all documents, sorted, with their leaf revisions, sorted."""
    digest = hashlib.sha256()
    for document in sorted(leaves):
        digest.update(f"{document} {','.join(sorted(leaves[document]))}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def unlike(before: Leaves, after: Leaves, copy: Leaves) -> tuple[str, ...]:
    """The documents that a copy has not got as it must, sorted.

    What nobody wrote to meanwhile must be in it with exactly its leaves; what somebody wrote to must be in it
    at all; and nothing else may be.

    Args:
        before: the leaves of the source before it was copied.
        after: those afterwards.
        copy: those of the copy.
    """
    wrong = {document for document in copy if document not in before and document not in after}
    for document, leaves in before.items():
        if document not in after:
            continue  # purged meanwhile
        if document not in copy or (after[document] == leaves and copy[document] != leaves):
            wrong.add(document)
    return tuple(sorted(wrong))


def suspects(backup: Leaves, live: Leaves) -> tuple[str, ...]:
    """The documents whose leaves differ, the design documents first: what they refuse holds for the rest."""
    differ = (d for d in {*backup, *live} if backup.get(d) != live.get(d))
    return tuple(sorted(differ, key=lambda document: (not document.startswith("_design/"), document)))
