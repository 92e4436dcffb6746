"""One CouchDB server, as the port wants it: each method is one conversation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from reconciler.adapters.couchdb import access, databases, notes, reading, replication, views, writing
from reconciler.adapters.couchdb.conversation import Place, conversation
from reconciler.domain.documents import DatabaseState, Leaf, Leaves


class CouchServer:
    """``Documents`` of CouchDB 3.

    Args:
        url: where it listens for us.
        replication_url: where it reaches itself; empty for ``url``.
        username: of an admin; empty for nobody.
        password: already filled in. It leaves this class in requests only.
        deadline_seconds: how long one request may take.
        patience_seconds: how long a replication, or building a view, may stand still.
    """

    def __init__(
        self,
        url: str,
        *,
        replication_url: str = "",
        username: str = "",
        password: str = "",
        deadline_seconds: float = 30.0,
        patience_seconds: float = 300.0,
    ) -> None:
        self._place = Place(url, username, password, deadline_seconds)
        self._inside = Place(replication_url or url).name
        self._patience_seconds = patience_seconds

    def __repr__(self) -> str:
        return f"CouchServer({self.name!r})"

    @property
    def name(self) -> str:
        """Where it is, without credentials."""
        return self._place.name

    def databases(self) -> tuple[str, ...]:
        """All databases, sorted."""
        with conversation(self._place) as talk:
            return databases.databases(talk)

    def state(self, database: str) -> DatabaseState | None:
        """How much is in a database; None where there is none."""
        with conversation(self._place) as talk:
            return databases.state(talk, database)

    def create(self, database: str, like: str) -> None:
        """Create a database as ``like`` is made."""
        with conversation(self._place) as talk:
            databases.create(talk, database, like)

    def delete(self, database: str) -> None:
        """Delete a database, and wait until it is gone."""
        with conversation(self._place) as talk:
            databases.delete(talk, database)

    def replicate(self, source: str, target: str) -> None:
        """Bring all revisions of ``source`` that ``target`` lacks there."""
        with conversation(self._place) as talk:
            replication.replicate(talk, self._inside, source, target, self._patience_seconds)

    def leaves(self, database: str) -> Leaves:
        """The leaf revisions of all documents."""
        with conversation(self._place) as talk:
            return reading.leaves(talk, database)

    def read(
        self, database: str, documents: Collection[str], *, attachments: bool = False
    ) -> Mapping[str, tuple[Leaf, ...]]:
        """All leaves of these documents; the winner first."""
        with conversation(self._place) as talk:
            return reading.read(talk, database, documents, attachments)

    def write(self, database: str, leaves: Sequence[Leaf]) -> None:
        """Add leaves to the trees."""
        with conversation(self._place) as talk:
            writing.write(talk, database, leaves)

    def security(self, database: str) -> str:
        """Who may use a database, as canonical JSON."""
        with conversation(self._place) as talk:
            return access.security(talk, database)

    def set_security(self, database: str, security: str) -> None:
        """Say who may use a database."""
        with conversation(self._place) as talk:
            access.set_security(talk, database, security)

    def note(self, database: str, name: str) -> str:
        """The local document ``name`` as JSON; empty for none."""
        with conversation(self._place) as talk:
            return notes.note(talk, database, name)

    def set_note(self, database: str, name: str, text: str) -> None:
        """Write a local document; an empty text removes it."""
        with conversation(self._place) as talk:
            notes.set_note(talk, database, name, text)

    def warm(self, database: str) -> None:
        """Have all views built, and wait for that."""
        with conversation(self._place) as talk:
            views.warm(talk, database, self._patience_seconds)
