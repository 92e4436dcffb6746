"""What a host writes down about passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from reconciler.domain.blocking import Block, Good
from reconciler.domain.environment import Environment
from reconciler.domain.journal import Observation, Run, Story
from reconciler.domain.report import Step, Verb
from reconciler.domain.undo import Undo


class Journal(Protocol):
    """What a host writes down about the passes over its environments.

    Losing it costs words and a few protected images, never a service: what must survive is on the engine
    and in Git. Every method may raise ``PermissionRefused`` where it cannot be written or read.
    """

    def kept(self, environment: Environment) -> Mapping[str, str]:
        """The config hash of each service when a pass last converged; empty where nothing is known."""

    def keep(self, environment: Environment, hashes: Mapping[str, str]) -> None:
        """Remember what a converged pass left running."""

    def begin(self, environment: Environment, run: Run) -> str:
        """Open a pass; ``run.id`` is empty, and the id that it got is returned.

        Ids sort by time, and are short enough to be typed.
        """

    def begin_step(self, environment: Environment, run: str, verb: Verb, subject: str, detail: str) -> None:
        """Write down a step of an open pass before it is taken. Steps may overlap."""

    def step(self, environment: Environment, run: str, step: Step) -> None:
        """Write down how a step ended, in the place of the oldest open one of the same verb and subject.

        One that was never begun is appended.
        """

    def finish(self, environment: Environment, story: Story) -> None:
        """Close a pass with all that is known of it; its steps replace those written one by one."""

    def runs(self, environment: Environment, *, limit: int = 0) -> tuple[Run, ...]:
        """The passes that did something, newest first; ``limit`` 0 for all."""

    def story(self, environment: Environment, run: str) -> Story | None:
        """One pass by its id, or by the beginning of it if only one begins so; None where there is none."""

    def blocks(self, environment: Environment) -> tuple[Block, ...]:
        """The pins that are blocked, newest first."""

    def block(self, environment: Environment, blocks: Sequence[Block]) -> None:
        """Block pins; a block of the same content is replaced."""

    def unblock(self, environment: Environment, services: Sequence[str], at: datetime) -> tuple[Block, ...]:
        """Lift the blocks of these services (all where empty), and return them.

        What Git's trailers say up to ``at`` about these services does not count any more either.
        """

    def unblocked(self, environment: Environment) -> Mapping[str, datetime]:
        """When services were last unblocked; the empty name stands for all of them."""

    def good(self, environment: Environment) -> tuple[Good, ...]:
        """The pins that passed their gate, newest first."""

    def note_good(self, environment: Environment, goods: Sequence[Good]) -> None:
        """Write down pins that passed; one of the same service, image and hash is moved to the front."""

    def undo(self, environment: Environment) -> Undo | None:
        """The undoing in Git that comes next: the oldest that is pending, else the one begun last."""

    def note_undo(self, environment: Environment, undo: Undo) -> None:
        """Write down how far an undoing has come, here and in the story of its run."""

    def observation(self, environment: Environment) -> Observation | None:
        """The release that is under observation, if one is."""

    def observe(self, environment: Environment, observation: Observation | None) -> None:
        """Put a release under observation, or end that."""
