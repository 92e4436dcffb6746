"""A Git repository in memory: a line of commits, and a work tree that may differ from the last one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from reconciler.domain.desired import Revision
from reconciler.errors import AlreadyThere, InvalidState, ReconcileError, Refused, RepositoryUnreachable
from reconciler.ports import Commit, Edit, Places
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
    arrive just before ours, one commit each; `pushed` the branches that were pushed to. `branches` are
    remote branches beside ours, as a push with `base` begins them. The next pushes, and rehearsals, each end
    with the next of `troubles`, if there is one; with `lost` the push has arrived all the same. `authors` are
    those that our commits were asked to have, `messages` are theirs. `upstream_branch` is the branch that
    HEAD's branch is pushed to, empty for none, where it is another one. `committer` is who commits here.
    `checked_out` is told of all files whenever HEAD moved.
    """

    top: Path = Path("/repository")
    branch: str = "main"
    line: list[Snapshot] = field(default_factory=list)
    dirty: dict[str, str] = field(default_factory=dict)
    before_push: list[Mapping[str, str]] = field(default_factory=list)
    pushed: list[str] = field(default_factory=list)
    branches: dict[str, list[Snapshot]] = field(default_factory=dict)
    troubles: list[ReconcileError] = field(default_factory=list)
    lost: bool = False
    rehearsed: list[str] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    upstream_branch: str | None = None
    committer: str = "dev"
    reads: int = 0
    checked_out: Callable[[Mapping[str, str]], None] = lambda _files: None

    def put(self, files: Mapping[str, str], message: str = "Change") -> Revision:
        """Commit files, as a person does."""
        self._add(self.line, files, message)
        return self.head()

    def head(self) -> Revision:
        """See `ports.Repository`."""
        if not self.line:
            raise RepositoryUnreachable(f"{self.top} has no commit yet")
        last = self.line[-1].commit
        return Revision(last.id, self.branch, last.subject, last.author)

    def resolve(self, name: str) -> Revision:
        """See `ports.Repository`."""
        found = [one.commit for one in self._commits() if one.commit.id.startswith(name)] if name else []
        if len(found) != 1:
            raise Refused(f"nothing in the repository is called {name}")
        return Revision(found[0].id, "", found[0].subject, found[0].author)

    def read(self, revision: Revision, path: str) -> str:
        """See `ports.Repository`."""
        self.reads += 1
        if revision.dirty and path in self.dirty:
            return self.dirty[path]
        files = next(one.files for one in self._commits() if one.commit.id == revision.commit)
        if path not in files:
            raise InvalidState(f"{path} is not in {revision.short()}")
        return files[path]

    def uncommitted(self, paths: Sequence[str]) -> tuple[str, ...]:
        """See `ports.Repository`."""
        return tuple(sorted(path for path in self.dirty if any(_within(path, folder) for folder in paths)))

    def tracked(self, path: str) -> bool:
        """See `ports.Repository`."""
        return any(_within(file, path) for file in self.line[-1].files)

    def ids(self, revision: Revision, paths: Sequence[str]) -> Mapping[str, str]:
        """See `ports.Repository`."""
        files = next(one.files for one in self._commits() if one.commit.id == revision.commit)
        return {path: hashlib.sha1(files[path].encode()).hexdigest() for path in paths if path in files}

    def log(self, path: str, *, limit: int = 0) -> tuple[Commit, ...]:
        """See `ports.Repository`."""
        if not path:
            return tuple(one.commit for one in self.line[::-1][: limit or None])
        found: list[Commit] = []
        before: str | None = None
        for one in self.line:
            if one.files.get(path) != before:
                found.append(one.commit)
            before = one.files.get(path)
        return tuple(found[::-1][: limit or None])

    def commit(
        self, edits: Sequence[Edit], message: str, *, push: str = "", base: str = "", author: str = ""
    ) -> Revision:
        """See `ports.Repository`."""
        while push and self.before_push:
            self.put(self.before_push.pop(0), "Somebody was faster")
        trouble = self.troubles.pop(0) if push and self.troubles else None
        if trouble and not self.lost:
            raise trouble
        line = self.branches.get(push, list(self.line)) if base else self.line
        texts = dict(line[-1].files)
        for edit in edits:
            texts[edit.path] = edit.derive(texts[edit.path])
        if edits and texts == line[-1].files:
            raise AlreadyThere(f"Nothing to commit: {edits[0].path} already says so")
        self.authors.append(author)
        self.messages.append(message)
        commit = self._add(line, texts, message, author.partition(" <")[0] or "dev")
        if push:
            self.pushed.append(push)
        if base:
            self.branches[push] = line
        if trouble:
            raise trouble
        return Revision(commit.id, push or self.branch, commit.subject, commit.author)

    def person(self) -> str:
        """See `ports.Repository`."""
        return self.committer

    def upstream(self) -> str:
        """See `ports.Repository`."""
        return self.branch if self.upstream_branch is None else self.upstream_branch

    def rehearse(self, branch: str) -> None:
        """See `ports.Repository`."""
        self.rehearsed.append(branch)
        if self.troubles:
            raise self.troubles.pop(0)

    def stamp(self) -> tuple[object, ...]:
        """See `ports.Repository`."""
        return (len(self.line), tuple(sorted(self.dirty.items())))

    def places(self) -> Places:
        """See `ports.Repository`."""
        return Places()

    def _commits(self) -> tuple[Snapshot, ...]:
        """Every commit, those of other branches behind ours."""
        lines = [self.line, *self.branches.values()]
        return tuple({one.commit.id: one for line in lines for one in line}.values())

    def _add(
        self, line: list[Snapshot], files: Mapping[str, str], message: str, author: str = "dev"
    ) -> Commit:
        subject, _, rest = message.partition("\n")
        last = rest.strip().rpartition("\n\n")[2]
        parts = (line.partition(": ") for line in last.split("\n"))
        trailers = tuple((key, value) for key, colon, value in parts if colon and " " not in key)
        number = len(line)
        before = line[-1].files if line else {}
        name = hashlib.sha1(f"{number} {message} {sorted(files.items())}".encode()).hexdigest()
        commit = Commit(name, subject, author, START + timedelta(hours=number), trailers)
        line.append(Snapshot(commit, {**before, **files}))
        if line is self.line:
            self.checked_out(line[-1].files)
        return commit


def _within(path: str, folder: str) -> bool:
    return folder == "." or path == folder or path.startswith(f"{folder}/")
