"""A Git repository in memory: a line of commits, and a work tree that may differ from the last one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from reconciler.domain.desired import Revision
from reconciler.errors import InvalidState, Refused, RepositoryUnreachable
from reconciler.ports import Commit, Edit
from tests.bed.fake_clock import START


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One commit with all its files."""

    commit: Commit
    files: Mapping[str, str]


@dataclass(slots=True)
class FakeRepository:
    """The `Repository` port.

    `dirty` are files of the work tree that differ; `before_push` are edits of somebody else that
    arrive just before ours, one commit each; `pushed` the branches that were pushed to.
    """

    top: Path = Path("/repository")
    branch: str = "main"
    line: list[Snapshot] = field(default_factory=list)
    dirty: dict[str, str] = field(default_factory=dict)
    before_push: list[Mapping[str, str]] = field(default_factory=list)
    pushed: list[str] = field(default_factory=list)
    reads: int = 0

    def put(self, files: Mapping[str, str], message: str = "Change") -> Revision:
        """Commit files, as a person does."""
        subject, _, rest = message.partition("\n")
        last = rest.strip().rpartition("\n\n")[2]
        parts = (line.partition(": ") for line in last.splitlines())
        trailers = tuple((key, value) for key, colon, value in parts if colon and " " not in key)
        number = len(self.line)
        before = self.line[-1].files if self.line else {}
        name = hashlib.sha1(f"{number} {message} {sorted(files.items())}".encode()).hexdigest()
        commit = Commit(name, subject, "dev", START + timedelta(hours=number), trailers)
        self.line.append(Snapshot(commit, {**before, **files}))
        return self.head()

    def head(self) -> Revision:
        """See `ports.Repository`."""
        if not self.line:
            raise RepositoryUnreachable(f"{self.top} has no commit yet")
        last = self.line[-1].commit
        return Revision(last.id, self.branch, last.subject, last.author)

    def resolve(self, name: str) -> Revision:
        """See `ports.Repository`."""
        found = [one.commit for one in self.line if one.commit.id.startswith(name)] if name else []
        if len(found) != 1:
            raise Refused(f"nothing in the repository is called {name}")
        return Revision(found[0].id, "", found[0].subject, found[0].author)

    def read(self, revision: Revision, path: str) -> str:
        """See `ports.Repository`."""
        self.reads += 1
        if revision.dirty and path in self.dirty:
            return self.dirty[path]
        files = next(one.files for one in self.line if one.commit.id == revision.commit)
        if path not in files:
            raise InvalidState(f"{path} is not in {revision.short()}")
        return files[path]

    def uncommitted(self, paths: Sequence[str]) -> tuple[str, ...]:
        """See `ports.Repository`."""
        return tuple(sorted(path for path in self.dirty if any(_within(path, folder) for folder in paths)))

    def tracked(self, path: str) -> bool:
        """See `ports.Repository`."""
        return any(_within(file, path) for file in self.line[-1].files)

    def log(self, path: str, *, limit: int = 0) -> tuple[Commit, ...]:
        """See `ports.Repository`."""
        found: list[Commit] = []
        before: str | None = None
        for one in self.line:
            if one.files.get(path) != before:
                found.append(one.commit)
            before = one.files.get(path)
        return tuple(found[::-1][: limit or None])

    def commit(self, edits: Sequence[Edit], message: str, *, push: str = "") -> Revision:
        """See `ports.Repository`."""
        while push and self.before_push:
            self.put(self.before_push.pop(0), "Somebody was faster")
        present = self.line[-1].files
        files = {edit.path: edit.derive(present[edit.path]) for edit in edits}
        if push:
            self.pushed.append(push)
        return self.put(files, message)

    def upstream(self) -> str:
        """See `ports.Repository`."""
        return self.branch

    def stamp(self) -> tuple[object, ...]:
        """See `ports.Repository`."""
        return (len(self.line), tuple(sorted(self.dirty.items())))


def _within(path: str, folder: str) -> bool:
    return folder == "." or path == folder or path.startswith(f"{folder}/")
