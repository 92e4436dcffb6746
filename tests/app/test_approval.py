"""Approvals of protected environments: of content, written and read in Git."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.app.approval import Approvals
from reconciler.domain.plan import Change
from reconciler.domain.report import Result
from reconciler.errors import InvalidState, Refused
from tests.app.braked import approve, entry, is_approved, protect, stage
from tests.app.passes import PINS, Passes, pins_text
from tests.domain.values import environment, svc

CAUSE = "needs an approval: reconcile approve production"


def protected(*names: str) -> Passes:
    passes = stage(*(svc(name) for name in names or ("web",)))
    protect(passes)
    return passes


def blob(passes: Passes) -> str:
    """The id of the pins file at HEAD."""
    return passes.repository.ids(passes.repository.head(), [PINS])[PINS]


def test_a_release_needs_an_approval() -> None:
    passes = protected()
    passes.release(web="2")
    held = entry(passes)
    assert (held.change, held.cause) == (Change.HELD, CAUSE)
    approve(passes)
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.there() == "web-1=2"


def test_an_approval_is_a_commit_without_changes_that_names_the_pins() -> None:
    passes = protected()
    passes.release("Give the front a new colour", web="2")
    before = passes.repository.line[-1].files
    approve(passes)
    last = passes.repository.line[-1]
    assert last.files == before
    assert last.commit.subject == "Approve production: Give the front a new colour"
    assert last.commit.trailers == (("Reconcile-Approve", f"production {blob(passes)}"),)
    assert "checked with ops" in passes.repository.messages[-1]


def test_a_later_pin_is_not_approved_by_accident() -> None:
    passes = protected()
    passes.release(web="2")
    approve(passes)
    passes.release(web="3")
    assert not is_approved(passes)
    assert entry(passes).cause == CAUSE
    passes.release("Not 3 but 2", web="2")
    assert is_approved(passes)


def test_an_approval_outlives_commits_that_do_not_matter() -> None:
    passes = protected()
    passes.release(web="2")
    approve(passes)
    passes.repository.put({"README.md": "more"}, "Say more")
    assert is_approved(passes)


def test_the_commit_that_moves_the_pins_may_carry_the_approval() -> None:
    passes = protected()
    passes.scene.release(web="2")
    text = pins_text(passes.scene.world.pins)
    passes.repository.put({PINS: text}, "web 2")
    trailer = f"Reconcile-Approve: production {blob(passes)}"
    passes.repository.line.pop()
    passes.repository.put({PINS: text}, f"web 2\n\n{trailer}")
    assert is_approved(passes)


@pytest.mark.parametrize(
    "value", ["staging {id}", "production", "production 0123", "{id}", "production {id} x"]
)
def test_other_words_approve_nothing(value: str) -> None:
    passes = protected()
    passes.release(web="2")
    passes.repository.put({}, f"Approve\n\nReconcile-Approve: {value.format(id=blob(passes))}")
    assert not is_approved(passes)


def test_a_changed_compose_file_is_another_release() -> None:
    passes = protected()
    file = passes.repository.top / "state" / "compose.yaml"
    passes.scene.world.compose_files = (file,)
    passes.repository.put({"state/compose.yaml": "one"}, "Compose file")
    passes.release(web="2")
    approve(passes)
    assert is_approved(passes)
    passes.repository.put({"state/compose.yaml": "two"}, "More memory")
    assert not is_approved(passes)
    approve(passes)
    assert is_approved(passes)


def test_what_is_not_committed_is_not_approved() -> None:
    passes = protected()
    passes.release(web="2")
    approve(passes)
    source = passes.desired.read(passes.scene.env)
    revision = replace(source.desired.revision, dirty=True)
    dirty = replace(source, desired=replace(source.desired, revision=revision))
    assert Approvals(passes.desired).approved(source)
    assert not Approvals(passes.desired).approved(dirty)


def test_a_person_may_approve_one_run() -> None:
    passes = protected()
    passes.approved = True
    passes.release(web="2")
    assert passes.once().result is Result.CONVERGED
    assert passes.scene.there() == "web-1=2"


def test_without_a_release_nobody_has_to_ask() -> None:
    passes = protected()
    assert passes.reconciler.look().brakes.approved is None
    looked = passes.reconciler.look(thorough=True)
    assert (looked.brakes.protected, looked.brakes.approved) == (True, False)
    assert looked.plan.empty
    assert looked.braked == {}


def test_an_environment_that_is_not_protected_has_nothing_to_approve() -> None:
    passes = stage(env=environment())
    with pytest.raises(Refused, match="production is not protected"):
        approve(passes)


def test_a_pins_file_that_somebody_edits_cannot_be_approved() -> None:
    passes = protected()
    passes.repository.dirty[PINS] = "services: {}\n"
    with pytest.raises(InvalidState, match="uncommitted changes"):
        approve(passes)


def test_a_pins_file_that_is_not_there_cannot_be_approved() -> None:
    passes = protected()
    passes.scene.env = replace(passes.scene.env, pins="elsewhere/pins.yaml")
    with pytest.raises(InvalidState, match=r"elsewhere/pins\.yaml is not in the repository"):
        approve(passes)


def test_files_beside_the_repository_are_nobodys_to_approve() -> None:
    passes = protected()
    passes.scene.world.compose_files = (Path("/opt/shop/compose.yaml"),)
    passes.release(web="2")
    approve(passes)
    assert is_approved(passes)
