"""A release that was kept, and what becomes of it while it is observed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reconciler.app.observation import observe
from reconciler.app.observing import Observed
from reconciler.domain.comparison import Seen
from reconciler.domain.environment import Gate, GitPolicy, Rollback
from reconciler.domain.report import Result
from reconciler.domain.severity import Matrix, Reaction, Response, Severity
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_outside import BAD, GOOD
from tests.domain.values import check, environment, image, svc

MINUTE = 60.0
DELAYS = {
    Severity.CRITICAL: Reaction(Response.ROLL_BACK),
    Severity.HIGH: Reaction(Response.ROLL_BACK, MINUTE),
    Severity.MEDIUM: Reaction(Response.ALERT, 2 * MINUTE),
    Severity.LOW: Reaction(Response.REPORT),
}


class Story:
    """Version 2 of `web` was released, and `front` is a check of some severity."""

    def __init__(self, severity: Severity = Severity.CRITICAL, matrix: Matrix | None = None) -> None:
        gate = Gate(5.0, 0.0, (check(severity=severity),), matrix or Matrix(DELAYS))
        env = environment(gate=gate, rollback=Rollback(GitPolicy.PUSH))
        self.passes = Passes(Scene((svc("api"), svc("web")), env=env, attended=True)).up()
        self.begun = 0.0
        self.watched: list[str] = []

    @property
    def scene(self) -> Scene:
        return self.passes.scene

    def released(self) -> Story:
        self.passes.release(web="2")
        self.report = self.passes.once()
        assert self.report.result is Result.CONVERGED
        self.begun = self.scene.clock.passed
        return self

    def at(self, seconds: float) -> bool:
        """Whether so much of the observation is over."""
        return self.scene.clock.passed - self.begun >= seconds

    def answers(self, answer: Callable[[], Seen]) -> Story:
        self.scene.answer("front", lambda _: answer())
        return self

    def meanwhile(self, seconds: float, happens: Callable[[], object]) -> Story:
        """Something happens, once, so long after the release."""
        happened: list[object] = []

        def interrupted() -> bool:
            if self.at(seconds) and not happened:
                happened.append(True)
                happens()
            return False

        self.scene.interrupted = interrupted
        return self

    def observed(self) -> Observed:
        reconciler = self.passes.reconciler
        host = replace(reconciler.host, watching=self.watched.append)
        found = observe(replace(reconciler, host=host), self.report)
        assert found is not None
        self.seconds = self.scene.clock.passed - self.begun
        assert self.passes.journal.observed is None, "it is over"
        return found


def failing_from(story: Story, seconds: float, until: float = 10**9) -> Story:
    return story.answers(lambda: BAD if story.at(seconds) and not story.at(until) else GOOD)


def only_with_it(story: Story, seen: Seen = BAD) -> Story:
    """The check fails after a while, and is good again with version 1."""
    running, bad = story.scene.world.running, image("web", "2")
    return story.answers(lambda: seen if story.at(20.0) and bad in running().values() else GOOD)
