"""A bare repository with pins behind file:// or HTTP, and what a rollback in it may and may not change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.ports import Edit
from tests.bed.git_server import GitServer, Part
from tests.bed.git_world import PINS, GitWorld, with_tag

REVIEW = "reconcile/rollback-production-1a2b3c4"
MESSAGE = (
    "Roll back production\n\nReconcile-Environment: production\nReconcile-Blocked: cache\nReconcile-Reason: x"
)


@dataclass(frozen=True, slots=True)
class Remote:
    """A bare repository with pins, and how clones of it reach it."""

    world: GitWorld
    bare: Path
    url: str
    server: GitServer

    @classmethod
    @contextmanager
    def new(cls, world: GitWorld, transport: str) -> Iterator[Remote]:
        """A new one in `world`, behind `file` or `http`; the latter wants a password."""
        bare = world.origin()
        with GitServer(world.root, world.environ, user="robot", password="s3cret") as server:
            url = f"file://{bare}" if transport == "file" else server.url("origin.git", "robot:s3cret")
            yield cls(world, bare, url, server)

    def clone(self, name: str = "clone", *options: str) -> Path:
        folder = self.world.clone(self.bare, name, *options)
        self.world.git(folder, "remote", "set-url", "origin", self.url)
        return folder

    def lose_the_next_answer(self) -> None:
        """The branch is moved, then the connection ends."""
        if self.url.startswith("http"):
            self.server.lose_answers(Part.PUSH)
        else:
            self.world.hook(self.bare, "post-receive", 'rm "$0"; kill -9 $PPID')

    def tip(self, branch: str = "main") -> str:
        return self.world.git(self.bare, "rev-parse", branch)

    def subjects(self, branch: str = "main") -> list[str]:
        return self.world.git(self.bare, "log", "--format=%s", branch).splitlines()


def undo(service: str) -> list[Edit]:
    """The pin of one service goes back."""
    return [Edit(PINS, with_tag(service, "0.9.0"))]


def expect_one_scalar(remote: Remote, branch: str, before: str, text: str) -> None:
    """The tree of `branch` is that of `before`, except for the pins file, which is `text`."""
    then, now = remote.world.tree(remote.bare, before), remote.world.tree(remote.bare, branch)
    assert {path for path in then.keys() | now.keys() if then.get(path) != now.get(path)} == {PINS}
    assert now[PINS].split()[:2] == then[PINS].split()[:2], "its mode and kind stay"
    assert remote.world.show(remote.bare, branch, PINS) == text


def local_state(world: GitWorld, clone: Path) -> tuple[str, ...]:
    """What must not move here: HEAD, branches, index, work tree, stash and temporary files."""
    refs = world.git(clone, "for-each-ref", "refs/heads", "refs/tags", "refs/stash")
    names = sorted(str(path.relative_to(clone)) for path in (clone / ".git").glob("*"))
    status = world.git(clone, "status", "--porcelain=v2")
    return (refs, (clone / ".git/HEAD").read_text(), status, *names, (clone / PINS).read_text())
