"""What was rejected is not tried again by accident, whoever asks and from wherever."""

from __future__ import annotations

import shutil

import pytest

from tests.bed.parameters import long_but
from tests.e2e.gated import gated, serving, waiting
from tests.e2e.origin import Origin
from tests.e2e.witness import Witness
from tests.e2e.world import World, await_answer


def rejected(world: World, git: str = "push") -> Origin:
    """Version 1 serves, and `web:crash` was rejected."""
    origin = gated(world)
    world.settings["rollback"] = {"git": git}
    world.commit("How Git is told")
    origin.pushed()
    origin.release(web="web:crash")
    world.once().expect(10)
    await_answer(world.url, "version=1")
    return origin


@pytest.mark.parametrize("git", long_but("push", among=("push", "branch", "off")))
def test_ten_further_passes_change_nothing_and_a_new_pin_deploys_at_once(world: World, git: str) -> None:
    origin = rejected(world, git)
    marks, tip = world.marks(), origin.tip()
    with Witness(world, world.url) as witness:
        for _ in range(10):
            assert world.once().expect(0).environment["result"] == "no-op"
    assert witness.own_events == []
    assert witness.versions == ("version=1",)
    assert (world.marks(), origin.tip()) == (marks, tip)
    assert world.reconcile("--strict", "--once").code == (0 if git == "push" else 12)
    if git == "push":
        origin.pull()
    origin.release(web="web:2")
    world.once().expect(0)
    await_answer(world.url, "version=2")


def test_the_same_image_pinned_again_stays_blocked_until_a_person_says_so(world: World) -> None:
    origin = rejected(world)
    origin.pull()
    before = serving(world)
    again = origin.release(web="web:crash")
    assert "was rejected here" in world.reconcile("plan", "production").expect(0).stdout
    waiting(world.once().expect(0))
    assert "web is blocked: crash was rejected here" in world.reconcile("status").expect(0).stdout
    world.reconcile("--strict", "--once").expect(12)
    assert (serving(world), origin.tip()) == (before, again)
    assert "web" in world.reconcile("unblock", "production", "web").expect(0).said
    world.once().expect(10)
    await_answer(world.url, "version=1")


def test_a_lost_journal_learns_it_from_git(world: World) -> None:
    origin = rejected(world)
    origin.pull()
    before = serving(world)
    shutil.rmtree(world.root / "memory")
    origin.release(web="web:crash")
    waiting(world.once().expect(0))
    assert serving(world) == before


def test_another_clone_with_a_memory_of_its_own_learns_it_from_git(world: World) -> None:
    origin = rejected(world)
    origin.pull()
    before = serving(world)
    again = origin.release(web="web:crash")
    elsewhere = {"RECONCILE_STATE_DIR": str(world.root / "another-memory")}
    waiting(world.once(folder=origin.clone(), environ=elsewhere).expect(0))
    assert (serving(world), origin.tip()) == (before, again)


def test_a_mended_compose_file_is_a_new_release(world: World) -> None:
    """The same image, which fails only as long as a variable is missing."""
    origin = rejected(world)
    origin.pull()
    file = world.app / "docker-compose.yml"
    file.write_text(
        file.read_text().replace(
            "restart: unless-stopped", 'restart: unless-stopped\n    environment: {CRASH: ""}'
        )
    )
    world.commit("The variable that was forgotten")
    origin.release(web="web:crash")
    world.once().expect(0)
    await_answer(world.url, "version=crash")
