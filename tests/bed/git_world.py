"""Real Git repositories in one temporary folder: a bare origin, clones of it, and remotes that misbehave."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.git import GitRepository, Patience
from reconciler.errors import Stale
from tests.bed.git_server import GitServer
from tests.bed.tools import BedError

PINS = "state/production/compose.pins.yaml"
SERVICES = ("backend", "frontend", "search", "worker", "mailer", "cache")


@dataclass(frozen=True, slots=True)
class GitWorld:
    r"""Repositories below ``root``, and a home folder whose Git configuration names a committer.

    >>> world = GitWorld.new(tmp_path)
    >>> clone = world.clone(world.origin())
    >>> world.commit(clone, {"notes.txt": "hello\n"}, "Say hello")
    """

    root: Path
    environ: Mapping[str, str]

    @classmethod
    def new(cls, root: Path) -> GitWorld:
        """A world without repositories; nothing of the machine's Git configuration reaches it."""
        home = root / "home"
        home.mkdir()
        (home / ".gitconfig").write_text(
            "[user]\n  name = Ada\n  email = ada@example.org\n[init]\n  defaultBranch = main\n"
            "[advice]\n  detachedHead = false\n"
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        return cls(root, kept | {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"})

    @property
    def home(self) -> Path:
        return self.root / "home"

    def git(self, folder: Path, *arguments: str, **variables: str) -> str:
        """Run git as a person would; returns its output without the last line end."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env={**self.environ, **variables},
            capture_output=True,
            check=False,
            timeout=120,
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr).decode("utf-8", "replace")
            raise BedError(f"git {' '.join(arguments)} exited with {done.returncode}:\n{said}")
        return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")

    def origin(self, name: str = "origin") -> Path:
        """A bare repository with a branch main: three commits, pins of all SERVICES, other files."""
        seed = self.init(f"{name}-seed")
        self.commit(seed, {"README.md": "A project.\n", "src/main.py": "print()\n"}, "Begin")
        self.commit(seed, {PINS: pins(), "state/reconcile.yaml": "version: 1\n"}, "Pin everything")
        self.commit(seed, {"src/main.py": "print('hello')\n", "docs/a b/ü.md": "ü\n"}, "Say hello")
        bare = self.root / f"{name}.git"
        self.git(self.root, "clone", "--quiet", "--bare", str(seed), str(bare))
        shutil.rmtree(seed)
        return bare

    def init(self, name: str) -> Path:
        """An empty repository with a work tree."""
        folder = self.root / name
        self.git(self.root, "init", "--quiet", str(folder))
        return folder

    def clone(self, origin: Path, name: str = "clone", *options: str) -> Path:
        """A clone over file://, so that ``--depth`` and transfer behave as on a network."""
        folder = self.root / name
        self.git(self.root, "clone", "--quiet", *options, f"file://{origin}", str(folder))
        return folder

    def commit(self, folder: Path, files: Mapping[str, str], message: str, **variables: str) -> str:
        """Commit ``files`` by path; returns the commit's id."""
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8", newline="")
        self.git(folder, "add", "--", *files)
        self.git(folder, "commit", "--quiet", "-m", message, **variables)
        return self.git(folder, "rev-parse", "HEAD")

    def push_from_elsewhere(self, origin: Path, files: Mapping[str, str], message: str) -> str:
        """What a colleague does: clone, commit, push to main. Returns the new tip."""
        folder = self.clone(origin, f"colleague-{len(list(self.root.iterdir()))}")
        commit = self.commit(folder, files, message)
        self.git(folder, "push", "--quiet", "origin", "HEAD:main")
        return commit

    def tree(self, folder: Path, revision: str) -> dict[str, str]:
        """Every file of a revision: path to mode and object id."""
        listing = self.git(folder, "ls-tree", "-r", "-z", "--full-tree", revision)
        entries = (entry.split("\t", 1) for entry in listing.split("\0") if entry)
        return {path: what for what, path in entries}

    def show(self, folder: Path, revision: str, path: str) -> str:
        """One file at a revision, with its last line end."""
        return self.git(folder, "show", f"{revision}:{path}") + "\n"

    def hook(self, repository: Path, name: str, script: str) -> None:
        """Install a hook in a bare repository or in a clone."""
        folder = repository / ".git" if (repository / ".git").is_dir() else repository
        file = folder / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def protect(self, bare: Path, words: str = "protected branch") -> None:
        """Make a bare repository refuse every push, as branch protection does, with these words."""
        self.hook(bare, "pre-receive", f"echo '{words}' >&2; exit 1")

    def open(
        self,
        folder: Path,
        *,
        environ: Mapping[str, str] | None = None,
        deadline_seconds: float = 60,
        attempts: int = 8,
        notes: list[str] | None = None,
        naps: list[float] | None = None,
    ) -> GitRepository:
        """The adapter on ``folder``; it does not sleep, but writes into ``naps`` how long it would."""
        patience = Patience(attempts, lambda: 1.0, (naps if naps is not None else []).append)
        return GitRepository.discover(
            folder,
            environ=environ or self.environ,
            deadline_seconds=deadline_seconds,
            patience=patience,
            note=(notes if notes is not None else []).append,
        )

    def with_git(self, script: str) -> dict[str, str]:
        """An environment whose ``git`` is a shell script; in it, ``$GIT`` is the real one."""
        real = shutil.which("git")
        folder = self.root / "wrapped"
        folder.mkdir(exist_ok=True)
        (folder / "git").write_text(f"#!/bin/sh\nGIT={real}\n{script}\n")
        (folder / "git").chmod(0o755)
        return {**self.environ, "PATH": f"{folder}:{self.environ['PATH']}"}


def pins(**tags: str) -> str:
    """A pins file of all SERVICES, at tag 1.0.0 unless told otherwise."""
    head = "# yaml-language-server: $schema=../../schemas/pins.schema.json\nservices:\n"
    return head + "".join(
        f"  {name}:\n    image: {image(name, tags.get(name, '1.0.0'))}\n" for name in SERVICES
    )


def image(service: str, tag: str) -> str:
    """A pinned reference; its digest depends on the tag."""
    return f"registry.example/{service}:{tag}@sha256:{tag.encode().hex():0>64}"


def with_tag(service: str, tag: str) -> Callable[[str], str]:
    """A ``derive`` that moves one pin."""

    def derive(text: str) -> str:
        return re.sub(rf"(?m)^(  {service}:\n    image: ).*$", rf"\g<1>{image(service, tag)}", text)

    return derive


def yielding_to_people(service: str, before: str, after: str) -> Callable[[str], str]:
    """A ``derive`` that moves one pin only while it is the one that was seen."""

    def derive(text: str) -> str:
        if image(service, before) not in text:
            raise Stale(f"{service} was moved meanwhile")
        return with_tag(service, after)(text)

    return derive


@contextmanager
def silent_server() -> Iterator[int]:
    """A port on loopback that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepted: list[socket.socket] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    accepted.append(listener.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            for connection in accepted:
                connection.close()


@contextmanager
def http_server(world: GitWorld, *, user: str = "", password: str = "", status: int = 0) -> Iterator[int]:
    """Git's own smart HTTP over the repositories of ``world``, on loopback.

    With ``user`` it asks for a password; with ``status`` it answers every request with just that.
    """
    with GitServer(world.root, world.environ, user=user, password=password, status=status) as server:
        yield server.port


def leftovers(marker: str) -> list[str]:
    """Command lines of processes that mention ``marker``, and zombies that this process left."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            status = (folder / "stat").read_text()
            state, parent = status.rpartition(")")[2].split()[:2]
            if marker in command or (state == "Z" and parent == str(os.getpid())):
                found.append(command or f"zombie {status}")
    return found
