"""The remote of a world's repository: bare, behind file:// or loopback HTTP, and colleagues."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bed.git_server import GitServer
from tests.e2e.undone import undone
from tests.e2e.world import World, published

PINS = "state/production/compose.pins.yaml"
STACK = """
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
      worker:
        image: web
    """


@dataclass(slots=True)
class Origin:
    """A bare repository that the world's repository was pushed to, and pulls from.

    >>> origin = Origin.of(world)
    >>> release = origin.release(web="web:crash")
    >>> world.once().expect(10)
    >>> (commit,) = origin.undoing(release)
    """

    world: World
    bare: Path
    server: GitServer | None = None
    _clones: list[Path] = field(default_factory=list)

    @classmethod
    def of(cls, world: World, url: str = "") -> Origin:
        """A new remote with what the world's repository has by now; its releases are undone by a push."""
        bare = world.root / "origin.git"
        world.git("init", "--quiet", "--bare", "--initial-branch=main", str(bare), folder=world.root)
        world.git("remote", "add", "origin", url or f"file://{bare}")
        world.git("push", "--quiet", "--set-upstream", str(bare), "main")
        world.git("config", "branch.main.remote", "origin")
        world.git("fetch", "--quiet", "origin")
        return cls(world, bare)

    # -- what people do ---------------------------------------------------------------------------

    def release(self, **pins: str) -> str:
        """Commit new pins here, and push them."""
        commit = self.world.release(**pins)
        self.pushed()
        return commit

    def pushed(self) -> None:
        """What was committed here goes to the remote."""
        self.world.git("push", "--quiet", "origin", "HEAD:main")

    def pull(self) -> None:
        """What the next job does: the repository here has what the remote has, and the world knows it."""
        self.world.git("pull", "--quiet", "--ff-only", "origin", "main")
        self.world.pins = self.pins("main")

    def colleague(self, files: Mapping[str, str | None], message: str) -> str:
        """Somebody else clones, edits and pushes. Returns their commit.

        Args:
            files: text by path; None for the pins file with what `message` says, see `moved`.
            message: of the commit.
        """
        clone = self.clone()
        for path, text in files.items():
            (clone / path).parent.mkdir(parents=True, exist_ok=True)
            (clone / path).write_text(text if text is not None else "")
        self.world.git("add", "--all", folder=clone)
        self.world.git("commit", "--quiet", "-m", message, folder=clone)
        self.world.git("push", "--quiet", "origin", "HEAD:main", folder=clone)
        return self.world.git("rev-parse", "HEAD", folder=clone)

    def clone(self, *options: str) -> Path:
        """A fresh clone over file://."""
        folder = self.world.root / f"clone-{len(self._clones)}"
        self._clones.append(folder)
        self.world.git(
            "clone", "--quiet", *options, f"file://{self.bare}", str(folder), folder=self.world.root
        )
        return folder

    def moved(self, **pins: str) -> str:
        """The pins file of main with other pins, and nothing else changed."""
        text = self.text("main")
        for name, ref in pins.items():
            image = self.world.images.pinned(ref)
            text = re.sub(rf"(?m)^(  {name}:\n    image: ).*$", rf"\g<1>{image}", text)
        return text

    def protect(self, words: str = "main is protected, ask Ada") -> None:
        """The server refuses every push."""
        hook = self.bare / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n")
        hook.chmod(0o755)

    def allow(self) -> None:
        """It does not any more."""
        (self.bare / "hooks" / "pre-receive").unlink()

    @contextmanager
    def away(self) -> Iterator[None]:
        """The remote is gone for a while."""
        gone = self.bare.with_suffix(".gone")
        self.bare.rename(gone)
        try:
            yield
        finally:
            gone.rename(self.bare)

    # -- what is there ----------------------------------------------------------------------------

    def git(self, *arguments: str) -> str:
        return self.world.git(*arguments, folder=self.bare)

    def tip(self, branch: str = "main") -> str:
        return self.git("rev-parse", branch)

    def text(self, revision: str, path: str = PINS) -> str:
        """A file at a revision."""
        return self.git("show", f"{revision}:{path}") + "\n"

    def pins(self, revision: str = "main") -> dict[str, str]:
        """The images that a revision pins."""
        found = re.findall(r"(?m)^  (\S+):\n    image: (\S+)", self.text(revision))
        return dict(found)

    def tags(self, *services: str, revision: str = "main") -> list[str]:
        """The tags that a revision pins."""
        pins = self.pins(revision)
        return [pins[name].partition("@")[0].rpartition(":")[2] for name in services]

    def undoing(self, release: str, branch: str = "main") -> list[str]:
        """The commits that say that they undo `release`."""
        form = "--format=%H %(trailers:key=Reconcile-Rollback-Of,valueonly,separator=%x20)"
        lines = self.git("log", form, branch).splitlines()
        return [line.split()[0] for line in lines if release in line.split()[1:]]

    def trailers(self, commit: str) -> dict[str, str]:
        """The trailers of a commit."""
        lines = self.git("log", "-1", "--format=%(trailers:only,unfold)", commit).splitlines()
        return dict(line.split(": ", 1) for line in lines if line)

    def changed(self, commit: str) -> list[str]:
        """Lines of a commit's difference, without context and without heads."""
        lines = self.git("show", "--format=", "--unified=0", commit).splitlines()
        return [line for line in lines if line[:1] in "+-" and not line.startswith(("+++", "---"))]

    def expect_undone(self, release: str, branch: str = "main") -> str:
        """One commit undoes `release`, byte-minimally, to what runs (I-5); returns it."""
        running: dict[str, set[str]] = {}
        for one in self.world.containers():
            running.setdefault(one.service, set()).add(one.image.partition("@")[2])
        found = {name: frozenset(digests) for name, digests in running.items()}
        wrong = undone(self.bare, release, found, branch=branch)
        assert not wrong, "\n".join(wrong)
        (commit,) = self.undoing(release, branch)
        return commit


def settled(world: World, **settings: Any) -> Origin:
    """A world in which version 1 of two services runs, and its remote.

    Args:
        settings: what `rollback` says in `reconcile.yaml` beside `git`.
    """
    port, world.url = published()
    world.settings["gate"] = {"timeout": "4s", "soak": "0s"}
    world.settings["rollback"] = {"git": "push", **settings}
    world.stack(STACK.format(port=port), web="web:1", worker="web:1")
    world.once().expect(0)
    return Origin.of(world)


def forget_memory(world: World) -> None:
    """The host loses all that it wrote down."""
    shutil.rmtree(world.root / "memory")
