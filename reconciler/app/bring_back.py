"""One live database, compared with its backup, and brought back to what that says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.domain.documents import Leaf
from reconciler.domain.forward import ATTEMPTS, contents, writes
from reconciler.domain.leaves import suspects
from reconciler.domain.replay import replay_line
from reconciler.domain.restoring import Difference, Fate, fate
from reconciler.errors import DataFailed
from reconciler.ports import Documents

GROUP = 500
"""How many documents are looked at together."""

FEW = 100
"""So many missing documents are written one by one: a replication may take seconds until it begins."""

SHOWN = 10
"""How many ids a plan shows."""

DESIGN = "_design/"
_ATTACHMENTS = '"_attachments"'


@dataclass(frozen=True, slots=True)
class Pair:
    """One document: its leaves in the backup and in the live database, the winners first."""

    document: str
    backup: tuple[Leaf, ...]
    live: tuple[Leaf, ...]


@dataclass(slots=True)
class BringBack:
    """One live database and one of its backups.

    Args:
        documents: the server.
        backup: the name of the backup.
        live: the name of the database.
    """

    documents: Documents
    backup: str
    live: str
    _wanted: dict[str, str] = field(default_factory=dict)
    """What documents say in the backup, as far as they were read: that does not change."""
    _exists: bool | None = None

    def difference(self) -> Difference:
        """What a restore would do. Nothing is changed.

        Raises:
            DataUnreachable, PermissionRefused, DataFailed.
        """
        fates: Counter[Fate] = Counter()
        lost: list[str] = []
        for pairs in self._differing():
            for pair in pairs:
                found = fate(pair.backup, pair.live)
                if found is not None:
                    fates[found] += 1
                if found in (Fate.CHANGES, Fate.GOES) and len(lost) < SHOWN:
                    lost.append(pair.document)
        return Difference(
            self.live, self.backup, fates[Fate.CHANGES], fates[Fate.RETURNS], fates[Fate.GOES], tuple(lost)
        )

    def written_since(self) -> Iterator[str]:
        """What the live database has and the backup has not: each leaf as a line of JSON, with its revisions.

        Raises:
            DataUnreachable, PermissionRefused, DataFailed.
        """
        for pairs in self._differing():
            known = {pair.document: {leaf.revision for leaf in pair.backup} for pair in pairs}
            with_content = self._with_content(self.live, [leaf for pair in pairs for leaf in pair.live])
            for pair in pairs:
                for leaf in with_content.get(pair.document, pair.live):
                    if leaf.revision not in known[pair.document]:
                        yield replay_line(leaf)

    def restore(self) -> None:
        """Bring the live database back, and see that it is.

        Raises:
            DataFailed: it could not be written, or somebody writes to it all the time.
            DataUnreachable, PermissionRefused.
        """
        if not self._there():
            self.documents.create(self.live, self.backup)
            self._exists = True
        self._bring_missing()
        for attempt in range(ATTEMPTS):
            if not self._write(self._differing(verifying=attempt > 0), attempt):
                return
        left = sum(len(pairs) for pairs in self._differing(verifying=True))
        if left:
            raise DataFailed(
                f"{left} documents of {self.live} are not as in {self.backup} after {ATTEMPTS} attempts: "
                "somebody still writes to them",
                hint="Stop what writes to the database, or name its service in data.services with "
                "uses: [couchdb]; then run this again",
            )

    def _bring_missing(self) -> None:
        """Bring documents that were purged, or are new to this database, when there are many of them.

        The design documents come first: what newer ones refuse would be missing afterwards.
        """
        live = self.documents.leaves(self.live)
        missing = [document for document in self.documents.leaves(self.backup) if document not in live]
        if len(missing) > FEW:
            self._write(self._differing(only=DESIGN), 0)
            self.documents.replicate(self.backup, self.live)

    def _write(self, differing: Iterator[list[Pair]], attempt: int) -> int:
        """Write what brings these documents back; returns how many leaves that took.

        Design documents go by themselves: what is written together with them is still judged by older ones.
        """
        written = 0
        for pairs in differing:
            leaves = [leaf for pair in pairs for leaf in writes(pair.backup, pair.live, attempt)]
            designs = [leaf for leaf in leaves if leaf.document.startswith(DESIGN)]
            others = [leaf for leaf in leaves if not leaf.document.startswith(DESIGN)]
            for group in (designs, others):
                if group:
                    self.documents.write(self.live, self._whole(pairs, group))
            written += len(leaves)
        return written

    def _differing(self, *, verifying: bool = False, only: str = "") -> Iterator[list[Pair]]:
        """The documents that do not say the same, in groups.

        Args:
            verifying: whether attachments are compared by their content where their digests differ: a server
                that packs what it keeps may count another digest of the same.
            only: what their ids begin with.
        """
        there = self._there()
        ids = suspects(self.documents.leaves(self.backup), self.documents.leaves(self.live) if there else {})
        chosen = [document for document in ids if document.startswith(only)]
        for start in range(0, len(chosen), GROUP):
            group = chosen[start : start + GROUP]
            live = self.documents.read(self.live, group) if there else {}
            asked = [d for d in group if self._wanted.get(d) != contents(live.get(d, ()))]
            backup = self.documents.read(self.backup, asked) if asked else {}
            self._wanted |= {document: contents(backup.get(document, ())) for document in asked}
            pairs = [Pair(document, backup.get(document, ()), live.get(document, ())) for document in asked]
            differ = [pair for pair in pairs if contents(pair.backup) != contents(pair.live)]
            if verifying:
                differ = self._really(differ)
            if differ:
                yield differ

    def _there(self) -> bool:
        """Whether there is a live database; nobody but us makes one meanwhile."""
        if self._exists is None:
            self._exists = self.documents.state(self.live) is not None
        return self._exists

    def _really(self, pairs: list[Pair]) -> list[Pair]:
        """Those that differ although what is attached to them is looked at."""
        attached = [pair for pair in pairs if _attached(pair.backup) and _attached(pair.live)]
        if not attached:
            return pairs
        ids = [pair.document for pair in attached]
        there = self.documents.read(self.live, ids, attachments=True)
        wanted = self.documents.read(self.backup, ids, attachments=True)
        same = {d for d in ids if contents(there.get(d, ())) == contents(wanted.get(d, ()))}
        return [pair for pair in pairs if pair.document not in same]

    def _whole(self, pairs: Sequence[Pair], leaves: Sequence[Leaf]) -> list[Leaf]:
        """The leaves with what is attached to them, which has to be read for that."""
        needed = {leaf.document for leaf in leaves if _ATTACHMENTS in leaf.body}
        if not needed:
            return list(leaves)
        plain = [leaf for pair in pairs if pair.document in needed for leaf in pair.backup]
        full = self._with_content(self.backup, plain)
        bodies = {
            (leaf.document, leaf.body): whole.body
            for leaf in plain
            for whole in full.get(leaf.document, ())
            if whole.revision == leaf.revision
        }
        return [replace(leaf, body=bodies.get((leaf.document, leaf.body), leaf.body)) for leaf in leaves]

    def _with_content(self, database: str, leaves: Collection[Leaf]) -> Mapping[str, tuple[Leaf, ...]]:
        """Those documents of these that have attachments, with them."""
        needed = list(dict.fromkeys(leaf.document for leaf in leaves if _ATTACHMENTS in leaf.body))
        return self.documents.read(database, needed, attachments=True) if needed else {}


def _attached(leaves: Sequence[Leaf]) -> bool:
    return any(_ATTACHMENTS in leaf.body for leaf in leaves)
