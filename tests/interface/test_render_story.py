"""The story of a pass that was killed: what it had begun is told apart from what it had done."""

from __future__ import annotations

from dataclasses import replace

from reconciler.domain.journal import Story
from reconciler.domain.report import Step, Verb
from reconciler.interface.render.json_story import story_object
from reconciler.interface.render.story_text import story_text
from reconciler.interface.render.style import Style
from tests.bed.journal_values import run

KILLED = Story(
    run(),
    steps=(Step(Verb.PULL, "web", 8.1, "1.4.3"), Step.begun(Verb.SWITCH, "shop-web-1")),
)


def test_a_step_that_was_begun_and_not_finished_is_told_in_words() -> None:
    lines = story_text(KILLED, Style()).splitlines()
    assert "under way, or killed" in lines[0]
    assert lines[-2:] == [
        "  production  pull     web  1.4.3  8.1s",
        "  production  switch   shop-web-1  begun, not finished",
    ]


def test_a_step_that_was_begun_and_not_finished_is_told_in_json() -> None:
    story = story_object(KILLED)
    assert story["result"] is None
    assert [(step["verb"], step["good"], step["finished"]) for step in story["steps"]] == [
        ("pull", True, True),
        ("switch", False, False),
    ]


def test_what_a_hook_wrote_is_below_its_step() -> None:
    hook = Step("hook", "before-release", 2.0, "postgres: pg_dump\nfirst\n\x1b[2Jlast")
    text = story_text(replace(KILLED, steps=(hook,)), Style())
    assert "before-release  postgres: pg_dump  2.0s\n    | first\n    | \\x1b[2Jlast" in text
