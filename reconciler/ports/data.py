"""Where applications keep data: a document database and a search server. One server each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from reconciler.domain.documents import DatabaseState, Leaf, Leaves
from reconciler.domain.environment import Environment
from reconciler.domain.search import IndexState


class Documents(Protocol):
    """A server of document databases that keep their revisions as trees: CouchDB.

    Every method may raise DataUnreachable (no usable answer), PermissionRefused (401, 403) and DataFailed
    (it tried, and could not: disk full, a name that is not allowed, a database that is not there, documents
    that are refused). A refused password is never tried again: five of them lock an account, and after that
    the right one is refused, too.

    No request is waited for longer than a deadline. ``replicate`` and ``warm`` may take many of them: those
    wait as long as the server gets on.
    """

    @property
    def name(self) -> str:
        """Where it is, without credentials."""

    def databases(self) -> tuple[str, ...]:
        """All databases, sorted."""

    def state(self, database: str) -> DatabaseState | None:
        """How much is in a database; None where there is none of this name."""

    def create(self, database: str, like: str) -> None:
        """Create a database, with the shards, partitioning and revision limit of ``like``.

        One that is there already is fine: it gets the revision limit, and keeps what it has. The new one
        admits admins only, until ``set_security`` says otherwise.
        """

    def delete(self, database: str) -> None:
        """Delete a database, and wait until it is gone; one that is gone already is fine.

        Its name can be created again at once.
        """

    def replicate(self, source: str, target: str) -> None:
        """Bring all revisions of ``source`` that ``target`` lacks there, inside the server.

        Both must be there. Returns when that is done. It goes on where an earlier one of the same two
        stopped, and joins one that is under way, also when we gave up waiting for it. It reverts nothing that
        is newer in the target, and takes neither security nor notes along.

        Raises:
            DataUnreachable: among others where it stood still for too long; it may go on in the server.
            DataFailed: among others where one document could not be written, now or in an earlier one of the
                same two: the target is useless then, as another replication skips it.
        """

    def leaves(self, database: str) -> Leaves:
        """The leaf revisions of all documents, tombstones and conflicts included."""

    def read(
        self, database: str, documents: Collection[str], *, attachments: bool = False
    ) -> Mapping[str, tuple[Leaf, ...]]:
        """All leaves of these documents; the winner first. Those that never were there are left out.

        They are all held in memory, with ``attachments`` the content of those as well: ask for so many
        documents as that allows.
        """

    def write(self, database: str, leaves: Sequence[Leaf]) -> None:
        """Add leaves to the trees, with the revisions that they say; what is there already is fine.

        Their attachments must be with their content.

        Raises:
            DataFailed: with the documents that were refused, such as by a ``validate_doc_update``. All others
                are written.
        """

    def security(self, database: str) -> str:
        """Who may use a database, as canonical JSON."""

    def set_security(self, database: str, security: str) -> None:
        """Say who may use a database, whole."""

    def note(self, database: str, name: str) -> str:
        """The local document ``name`` as canonical JSON, which no replication takes along; empty for none."""

    def set_note(self, database: str, name: str, text: str) -> None:
        """Write a local document, a JSON object, whole; an empty text removes it. No sequence moves by it."""

    def warm(self, database: str) -> None:
        """Have all views of all design documents built, and wait for that.

        Indexes for ``_find`` are none of them: the server builds those itself.

        Raises:
            DataFailed: among others where a view cannot be built. Others may not be built then, either.
        """


class SearchServer(Protocol):
    """A search server whose changes are tasks that it does later: MeiliSearch.

    Every method may raise DataUnreachable, PermissionRefused and DataFailed, as those of Documents do. A
    method that changes something returns when the server has done it: that it was accepted says nothing.
    """

    @property
    def name(self) -> str:
        """Where it is, without credentials."""

    def indexes(self) -> tuple[str, ...]:
        """The names of all indexes, sorted."""

    def state(self, index: str) -> IndexState:
        """An index now: whether it is there, with how many documents, and whether tasks of it wait or run."""

    def create(self, index: str) -> None:
        """Create an empty index without settings; one that is there already is fine."""

    def remove(self, index: str) -> None:
        """Delete an index with its settings; one that is not there is fine."""

    def swap(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Exchange the two indexes of each pair under their names: all pairs at once, or none.

        Raises:
            DataFailed: among others where one of them is not there.
        """

    def exchanged(self, index: str) -> str:
        """The name under which that lies with which ``index`` was exchanged last; empty where none is known.

        It need not be there any more.
        """

    def last_task(self) -> int:
        """The number of the newest task; -1 where there is none."""

    def failed_since(self, index: str, task: int) -> str:
        """What failed or was canceled first of an index after ``task``, in the server's words; else empty.

        That an index was to be created and is there, or to be deleted and is not, is no failure.
        """


class Exports(Protocol):
    """Where what a restore takes away is kept for people: files that only their owner can read."""

    def write(self, environment: Environment, name: str, lines: Iterable[str]) -> str:
        """Write lines into a file of this name, and return where it is; empty where there was no line.

        Args:
            environment: whose data.
            name: of the file; a file of the same name is replaced as a whole.
            lines: without their ends. What they raise leaves nothing behind.

        Raises:
            PermissionRefused: it cannot be written: no right, no room.
        """
