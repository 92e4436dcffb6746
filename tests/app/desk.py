"""A release that was rejected, and a desk to undo it in Git at."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.app.undoing import Moved, Undoing
from reconciler.domain.blocking import Good
from reconciler.domain.environment import Environment, GitPolicy, Rollback
from reconciler.domain.undo import Undo
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_clock import START
from tests.domain.values import environment, image, svc

REASON = "check front: 500 Internal Server Error"


@dataclass
class Desk:
    """A release of `web` 2 that was rejected, and what undoes it."""

    rollback: Rollback = field(default_factory=lambda: Rollback(GitPolicy.PUSH))
    passes: Passes = field(default_factory=lambda: Passes(Scene((svc("api"), svc("web")))))
    release: str = ""

    def __post_init__(self) -> None:
        self.passes.scene.env = environment(rollback=self.rollback)
        self.release = self.passes.release("Give the front a new colour", web="2")

    @property
    def env(self) -> Environment:
        return self.passes.scene.env

    @property
    def undoing(self) -> Undoing:
        return Undoing(self.passes.desired, self.passes.scene.clock)

    def intended(self, *moved: Moved, goods: tuple[Good, ...] = (), reason: str = REASON) -> Undo:
        """What is to be done about these; about `web` 2 where nothing is said."""
        moved = moved or (("web", image("web", "1"), image("web", "2")),)
        undo = self.undoing.intend(self.env, "01M3S9TX7M", moved, ("web … abc",), goods, reason)
        assert undo is not None
        return undo

    def done(self, undo: Undo | None = None) -> Undo:
        return self.undoing.carry_out(self.env, undo or self.intended())

    @property
    def message(self) -> str:
        return self.passes.repository.messages[-1]


def good(name: str, version: str) -> Good:
    return Good(name, image(name, version), "hash", "2.26.1", "", START)
