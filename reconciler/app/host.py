"""What a rollout works with, and how it tells what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.domain.data import Hook
from reconciler.domain.environment import Environment
from reconciler.domain.report import Step, Verb
from reconciler.errors import HookFailed
from reconciler.ports import Clock, Compose, Engine, Hooks, Probe, Ran, Registry


@dataclass(slots=True)
class Doing:
    """A step while it is taken; what is done may say more of it than was known before."""

    detail: str = ""


class NoHooks:
    """Where nothing is there that could run a hook."""

    def run(
        self,
        environment: Environment,
        files: Sequence[Path],  # noqa: ARG002
        hook: Hook,
        variables: Mapping[str, str],  # noqa: ARG002
        images: Mapping[str, str],  # noqa: ARG002
    ) -> Ran:
        """See ``ports.Hooks``.

        Raises:
            HookFailed: always.
        """
        raise HookFailed(f"nothing here can run the {hook.moment} hook of {environment.name}")


@dataclass(frozen=True, slots=True)
class Host:
    """The outside of one environment.

    ``started`` is called with verb, subject and detail of each step before it is taken, ``progress`` with
    each step that ended, ``watching`` with a few words whenever what a gate sees changes. ``interrupted``
    says whether the person or the service manager wants us to end; it is asked where ending is safe.
    ``attended`` says whether somebody is there when a delayed rollback is due. ``failpoint`` is called by
    name, such as ``step.switch:before``, where a test may kill the program. ``hooks`` runs what the
    environment wants to have run at moments of a release. ``fence`` is asked before anything is changed that
    lies outside of the engine, and raises ``LeaseLost`` where the environment is not ours any more.
    """

    engine: Engine
    compose: Compose
    registry: Registry
    probe: Probe
    clock: Clock
    progress: Callable[[Step], None] = field(default=lambda _step: None)
    started: Callable[[Verb, str, str], None] = field(default=lambda _verb, _subject, _detail: None)
    watching: Callable[[str], None] = field(default=lambda _words: None)
    interrupted: Callable[[], bool] = field(default=lambda: False)
    attended: bool = False
    failpoint: Callable[[str], None] = field(default=lambda _name: None)
    hooks: Hooks = field(default_factory=NoHooks)
    fence: Callable[[], None] = field(default=lambda: None)

    @contextmanager
    def step(self, verb: Verb, subject: str, detail: str = "") -> Iterator[Doing]:
        """Report what is done inside before it is done, and with its time when it ended.

        A step that raises is reported as not good. What is given may be told more of it.
        """
        self.started(verb, subject, detail)
        self.failpoint(f"step.{verb}:before")
        started = self.clock.monotonic()
        good, doing = False, Doing(detail)
        try:
            yield doing
            good = True
        finally:
            self.progress(Step(verb, subject, self.clock.monotonic() - started, doing.detail, good))
            self.failpoint(f"step.{verb}:after")
