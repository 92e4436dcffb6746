"""The `Journal` port in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock

from reconciler.adapters.host_state.run_ids import as_typed, ordinal, run_id
from reconciler.domain.blocking import Block, Good, digest
from reconciler.domain.environment import Environment
from reconciler.domain.journal import Observation, Run, Story
from reconciler.domain.report import Step, Verb
from reconciler.domain.undo import Undo, UndoState
from reconciler.errors import PermissionRefused


@dataclass(slots=True)
class FakeJournal:
    """One environment's journal. `kept_times` counts how often hashes were remembered.

    `refuses` makes every writing method fail, as on a disk that is full.
    """

    hashes: Mapping[str, str] = field(default_factory=dict)
    kept_times: int = 0
    refuses: bool = False
    stories: dict[str, Story] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    blocked: list[Block] = field(default_factory=list)
    lifted: dict[str, datetime] = field(default_factory=dict)
    goods: list[Good] = field(default_factory=list)
    undos: dict[str, Undo] = field(default_factory=dict)
    observed: Observation | None = None
    _lock: Lock = field(default_factory=Lock)

    def kept(self, environment: Environment) -> Mapping[str, str]:
        """See `ports.Journal`."""
        return self.hashes

    def keep(self, environment: Environment, hashes: Mapping[str, str]) -> None:
        """See `ports.Journal`."""
        self._writing()
        self.hashes = dict(hashes)
        self.kept_times += 1

    def begin(self, environment: Environment, run: Run) -> str:
        """See `ports.Journal`."""
        self._writing()
        number = ordinal(run.started_at)
        while run_id(number) in self.stories:
            number += 1
        self.stories[run_id(number)] = Story(replace(run, id=run_id(number)))
        return run_id(number)

    def begin_step(self, environment: Environment, run: str, verb: Verb, subject: str, detail: str) -> None:
        """See `ports.Journal`."""
        self._writing()
        self._change(run, lambda steps: steps.append(Step.begun(verb, subject, detail)))

    def step(self, environment: Environment, run: str, step: Step) -> None:
        """See `ports.Journal`."""
        self._writing()
        self._change(run, lambda steps: _end(steps, step))

    def finish(self, environment: Environment, story: Story) -> None:
        """See `ports.Journal`."""
        self._writing()
        self.stories[story.run.id] = story
        self.finished.add(story.run.id)

    def runs(self, environment: Environment, *, limit: int = 0) -> tuple[Run, ...]:
        """See `ports.Journal`."""
        newest_first = [story.run for story in reversed(self.stories.values())]
        return tuple(newest_first[: limit or None])

    def story(self, environment: Environment, run: str) -> Story | None:
        """See `ports.Journal`."""
        start = as_typed(run)
        found = [one for name, one in self.stories.items() if start and name.startswith(start)]
        if len(found) != 1:
            return None
        story = found[0]
        undone = self.undos.get(story.undo.run if story.undo else story.run.id)
        return replace(story, undo=undone or story.undo)

    def blocks(self, environment: Environment) -> tuple[Block, ...]:
        """See `ports.Journal`."""
        return tuple(self.blocked)

    def block(self, environment: Environment, blocks: Sequence[Block]) -> None:
        """See `ports.Journal`."""
        self._writing()
        new = {_content(block) for block in blocks}
        self.blocked = [*blocks, *(block for block in self.blocked if _content(block) not in new)]

    def unblock(self, environment: Environment, services: Sequence[str], at: datetime) -> tuple[Block, ...]:
        """See `ports.Journal`."""
        self._writing()
        gone = tuple(block for block in self.blocked if not services or block.service in services)
        self.blocked = [block for block in self.blocked if block not in gone]
        self.lifted |= dict.fromkeys(services or [""], at)
        return gone

    def unblocked(self, environment: Environment) -> Mapping[str, datetime]:
        """See `ports.Journal`."""
        return dict(self.lifted)

    def good(self, environment: Environment) -> tuple[Good, ...]:
        """See `ports.Journal`."""
        return tuple(self.goods)

    def note_good(self, environment: Environment, goods: Sequence[Good]) -> None:
        """See `ports.Journal`."""
        self._writing()
        new = {(good.service, good.image, good.config_hash) for good in goods}
        older = [one for one in self.goods if (one.service, one.image, one.config_hash) not in new]
        self.goods = [*goods, *older]

    def undo(self, environment: Environment) -> Undo | None:
        """See `ports.Journal`."""
        begun = list(self.undos.values())
        pending = [one for one in begun if one.state is UndoState.PENDING]
        return next(iter([*pending, *begun[::-1]]), None)

    def note_undo(self, environment: Environment, undo: Undo) -> None:
        """See `ports.Journal`."""
        self._writing()
        self.undos[undo.run] = undo

    def observation(self, environment: Environment) -> Observation | None:
        """See `ports.Journal`."""
        return self.observed

    def observe(self, environment: Environment, observation: Observation | None) -> None:
        """See `ports.Journal`."""
        self._writing()
        self.observed = observation

    def _change(self, run: str, change: Callable[[list[Step]], None]) -> None:
        """Change the steps of a pass that is open; steps overlap, in threads of their own."""
        with self._lock:
            if run in self.stories and run not in self.finished:
                steps = list(self.stories[run].steps)
                change(steps)
                self.stories[run] = replace(self.stories[run], steps=tuple(steps))

    def _writing(self) -> None:
        if self.refuses:
            raise PermissionRefused("the journal cannot be used: no space is left on the device")


def _end(steps: list[Step], ended: Step) -> None:
    for place, one in enumerate(steps):
        if not one.finished and (one.verb, one.subject) == (ended.verb, ended.subject):
            steps[place] = ended
            return
    steps.append(ended)


def _content(block: Block) -> tuple[str, str, str]:
    return block.service, digest(block.image), block.config_hash
