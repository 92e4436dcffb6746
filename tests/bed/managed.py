"""A managed repository over a real remote, as a daemon has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.adapters.git import GitRepository
from reconciler.adapters.git.managed import ManagedRepository
from reconciler.domain.source import Arrival
from reconciler.domain.watching import Managed, Rewritten
from tests.bed.git_world import PINS, GitWorld


@dataclass(slots=True)
class ManagedWorld:
    """A bare origin with a branch main, and a state directory; `url` is how the daemon reaches the origin."""

    world: GitWorld
    origin: Path
    url: str
    rewritten: Rewritten = Rewritten.ACCEPT
    path: str = "state"
    notes: list[str] = field(default_factory=list)

    @classmethod
    def new(cls, root: Path) -> ManagedWorld:
        world = GitWorld.new(root)
        origin = world.origin()
        return cls(world, origin, f"file://{origin}")

    @property
    def root(self) -> Path:
        """Where the managed repository is."""
        return self.world.root / "state-directory" / "repository"

    @property
    def mirror(self) -> Path:
        return self.root / "mirror.git"

    @property
    def pushed(self) -> str:
        """The tip of main at the origin."""
        return self.world.git(self.origin, "rev-parse", "main")

    def start(
        self, *, environ: Mapping[str, str] | None = None, fetch_seconds: float = 60.0
    ) -> ManagedRepository:
        """What a daemon has that was just started."""
        return ManagedRepository.open(
            self.root,
            Managed(self.url, "main", self.path, self.rewritten),
            environ=environ or self.world.environ,
            fetch_seconds=fetch_seconds,
            note=self.notes.append,
        )

    def fetched(self) -> ManagedRepository:
        """The same, after its first poll."""
        managed = self.start()
        poll(managed)
        return managed

    def push(self, files: Mapping[str, str], message: str = "Change") -> str:
        """Somebody pushes to main."""
        return self.world.push_from_elsewhere(self.origin, files, message)

    def rewrite(self, files: Mapping[str, str]) -> str:
        """Somebody replaces the last commit of main by another one, by force; the old one vanishes there."""
        folder = self.world.clone(self.origin, f"rewriter-{len(list(self.world.root.iterdir()))}")
        self.world.git(folder, "reset", "--quiet", "--hard", "HEAD~1")
        new = self.world.commit(folder, files, "Another history")
        self.world.git(folder, "push", "--quiet", "--force", "origin", "HEAD:main")
        self.world.git(self.origin, "gc", "--quiet", "--prune=now")
        return new

    def opened(self, folder: Path) -> GitRepository:
        """The repository that a pass sees."""
        return self.world.open(folder)

    def pins(self, folder: Path) -> str:
        """The pins of production as a pass reads them: from the commit, by object id."""
        repository = self.opened(folder)
        return repository.read(repository.head(), PINS)


def poll(managed: ManagedRepository) -> Arrival:
    """What a poll does that finds the branch."""
    tip = managed.tip()
    assert tip is not None, "the branch is not there"
    return managed.fetch(tip)
