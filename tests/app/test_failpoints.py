"""Killed before or after any step of any kind, the next passes converge; a kind that no test kills fails."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.domain.report import Step, Verb
from tests.app.crashes import killed_at_failpoint, settled
from tests.app.failpoints import FAILPOINTS, SCENARIOS, SIDES
from tests.app.passes import Passes

PROGRAM = Path(__file__).parents[2] / "reconciler"


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_killed_at_every_failpoint_the_next_passes_converge(failpoint: str) -> None:
    kills = 0
    for scenario in SCENARIOS.values():
        time = 1
        while killed_at_failpoint(passes := scenario.stage(), failpoint, time):
            assert told_as_it_was(passes, failpoint)
            settled(passes)
            scenario.well(passes)
            time += 1
        kills += time - 1
    assert kills, f"no scenario comes to {failpoint}"


def told_as_it_was(passes: Passes, failpoint: str) -> bool:
    """Whether the journal shows the step at which the pass was killed, as begun or as ended."""
    verb, _, side = failpoint.removeprefix("step.").partition(":")
    run = passes.journal.runs(passes.scene.env)[0]
    story = passes.journal.story(passes.scene.env, run.id)
    assert story is not None
    assert run.result is None
    return any((step.verb, step.finished) == (verb, side == "after") for step in story.steps)


@pytest.mark.parametrize("name", SCENARIOS)
def test_without_a_kill_every_step_ends_and_all_is_well(name: str) -> None:
    passes = SCENARIOS[name].stage()
    reached: list[str] = []
    passes.scene.failpoint = lambda point: reached.append(point) if point.startswith("step.") else None
    steps = passes.once().steps
    assert all(step.finished for step in steps)
    assert sorted(reached) == sorted(f"step.{step.verb}:{side}" for step in steps for side in SIDES)
    settled(passes)
    SCENARIOS[name].well(passes)


def test_a_step_is_in_the_journal_when_its_failpoint_is_reached() -> None:
    passes = SCENARIOS["a new image"].stage()
    seen: list[tuple[str, Step]] = []

    def look(name: str) -> None:
        if not name.startswith("step."):
            return  # what is changed within a step
        story = list(passes.journal.stories.values())[-1]
        seen.append((name, story.steps[-1]))

    passes.scene.failpoint = look
    passes.once()
    assert len(seen) > 8
    assert [name for name, step in seen] == [
        f"step.{step.verb}:{'after' if step.finished else 'before'}" for _, step in seen
    ]


def steps_taken() -> Iterator[tuple[str, ast.Call]]:
    """The calls of `Host.step` in the program, with the place of each."""
    for file in sorted(PROGRAM.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _called(node.func).endswith("host.step"):
                yield f"{file.name}:{node.lineno}", node


def _called(function: ast.expr) -> str:
    return ast.unparse(function) if isinstance(function, ast.Attribute) else ""


def test_every_step_has_a_verb_of_the_closed_set_and_every_verb_is_used() -> None:
    verbs = {place: ast.unparse(call.args[0]) for place, call in steps_taken()}
    known = {f"Verb.{verb.name}" for verb in Verb}
    assert {place: verb for place, verb in verbs.items() if verb not in known} == {}
    assert set(verbs.values()) == known
