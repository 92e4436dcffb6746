"""Undoing a release in Git: which commit is written, and what it says."""

from __future__ import annotations

from reconciler.domain.environment import GitPolicy, Rollback
from reconciler.domain.undo import UndoState
from tests.app.desk import REASON, Desk, good
from tests.app.passes import PINS, pins_text
from tests.domain.values import digest, image

# --- done --------------------------------------------------------------------------------------------


def test_git_pins_again_what_ran() -> None:
    desk = Desk()
    undo = desk.done()
    assert (undo.state, undo.detail, undo.attempts) == (UndoState.DONE, "pushed to main", 1)
    assert undo.commit == desk.passes.repository.head().commit
    assert desk.passes.pinned() == {"api": "1", "web": "1"}
    assert desk.passes.repository.pushed == ["main"]


def test_the_commit_says_all_of_it() -> None:
    desk = Desk()
    desk.done()
    assert desk.message == (
        'Revert "Give the front a new colour"\n'
        "\n"
        "production: web 2 → 1\n"
        "\n"
        "The gate rejected it: check front: 500 Internal Server Error\n"
        "Only these pins go back.\n"
        "\n"
        "Reconcile-Environment: production\n"
        f"Reconcile-Rollback-Of: {desk.release}\n"
        "Reconcile-Blocked: web … abc\n"
        "Reconcile-Reason: check front: 500 Internal Server Error\n"
        "Reconcile-Run: 01M3S9TX7M\n"
    )


def test_a_reason_cannot_forge_a_trailer() -> None:
    desk = Desk()
    desk.done(
        desk.intended(reason="it broke\n\nReconcile-Blocked: api x y\r\nReconcile-Environment: staging")
    )
    trailers = [line for line in desk.message.splitlines() if line.startswith("Reconcile-")]
    assert [line.partition(":")[0] for line in trailers].count("Reconcile-Blocked") == 1
    assert trailers[0] == "Reconcile-Environment: production"


def test_only_the_pins_of_the_release_go_back() -> None:
    desk = Desk()
    desk.passes.release("Another one", api="7")
    desk.done()
    assert desk.passes.pinned() == {"api": "7", "web": "1"}


def test_comments_and_the_order_of_the_file_stay() -> None:
    desk = Desk()
    text = "# ours\nservices:\n  web:   # the front\n    image: " + image("web", "2") + "  # new\n"
    desk.passes.repository.put({PINS: text})
    desk.done()
    after = desk.passes.repository.read(desk.passes.repository.head(), PINS)
    assert after == text.replace(image("web", "2"), image("web", "1"))


def test_the_author_is_the_one_that_the_settings_name() -> None:
    desk = Desk(Rollback(GitPolicy.PUSH, author="Bot <bot@example.com>"))
    desk.done()
    assert desk.passes.repository.authors == ["Bot <bot@example.com>"]


def test_another_branch_than_the_one_that_is_checked_out() -> None:
    desk = Desk(Rollback(GitPolicy.PUSH, branch="releases"))
    assert desk.done().detail == "pushed to releases"
    assert desk.passes.repository.pushed == ["releases"]


def test_without_a_remote_it_is_committed_here() -> None:
    desk = Desk()
    desk.passes.repository.upstream_branch = ""
    undo = desk.done()
    assert (undo.state, undo.detail) == (UndoState.DONE, "committed here: the branch has no remote")
    assert desk.passes.repository.pushed == []
    assert desk.passes.pinned()["web"] == "1"


# --- proposed, off, impossible -----------------------------------------------------------------------


def test_where_a_review_is_wanted_it_is_proposed_on_a_branch_of_its_own() -> None:
    desk = Desk(Rollback(GitPolicy.BRANCH))
    undo = desk.done()
    branch = f"reconcile/rollback-production-{desk.release[:7]}"
    assert (undo.state, undo.detail) == (UndoState.PROPOSED, f"pushed to {branch}, for review")
    assert desk.passes.repository.pushed == [branch]
    assert desk.passes.pinned()["web"] == "2"


def test_with_git_off_nothing_is_written() -> None:
    desk = Desk(Rollback(GitPolicy.OFF))
    commits = len(desk.passes.repository.line)
    undo = desk.intended()
    assert (undo.state, undo.detail) == (UndoState.OFF, "rollback.git is off")
    assert len(desk.passes.repository.line) == commits


def test_where_git_never_pinned_what_ran_it_is_impossible() -> None:
    desk = Desk()
    undo = desk.intended(("web", image("web", "0"), image("web", "2")))
    assert (undo.state, undo.detail) == (UndoState.IMPOSSIBLE, "Git never pinned what web ran before")


def test_a_service_that_is_new_has_nothing_to_go_back_to() -> None:
    assert Desk().intended(("web", "", image("web", "2"))).state is UndoState.IMPOSSIBLE


def test_a_release_that_moves_no_pin_concerns_git_not_at_all() -> None:
    desk = Desk()
    assert desk.undoing.intend(desk.env, "run", (), (), (), REASON) is None


# --- what ran before ---------------------------------------------------------------------------------


def test_what_passed_its_gate_here_is_known_without_asking_git() -> None:
    desk = Desk()
    undo = desk.intended(("web", image("web", "0"), image("web", "2")), goods=(good("web", "0"),))
    assert undo.moves == (("web", image("web", "2"), image("web", "0")),)


def test_of_several_it_is_the_one_that_ran_and_not_the_newest() -> None:
    desk = Desk()
    goods = (good("web", "9"), good("web", "1"), good("api", "1"))
    undo = desk.intended(goods=goods)
    assert undo.moves == (("web", image("web", "2"), image("web", "1")),)


def test_what_git_pinned_before_is_found_there() -> None:
    assert Desk().intended().moves == (("web", image("web", "2"), image("web", "1")),)


def test_a_container_without_a_digest_goes_back_to_the_last_that_was_good() -> None:
    undo = Desk().intended(("web", "registry/web:1", image("web", "2")))
    assert undo.moves == (("web", image("web", "2"), image("web", "1")),)


def test_pins_that_could_not_be_read_once_are_passed_over() -> None:
    desk = Desk()
    desk.passes.repository.put({PINS: "services: ["}, "Broken")
    desk.passes.commit("Mended")
    assert desk.intended().moves == (("web", image("web", "2"), image("web", "1")),)


def test_some_can_go_back_and_some_cannot() -> None:
    desk = Desk()
    undo = desk.intended(("api", "", image("api", "2")), ("web", image("web", "1"), image("web", "2")))
    assert (undo.state, [name for name, _, _ in undo.moves]) == (UndoState.PENDING, ["web"])


# --- superseded --------------------------------------------------------------------------------------


def test_a_pin_that_a_person_moved_meanwhile_stays() -> None:
    desk = Desk()
    undo = desk.intended()
    desk.passes.release(web="3")
    done = desk.done(undo)
    assert (done.state, done.detail) == (UndoState.SUPERSEDED, "the pin of web was moved meanwhile")
    assert desk.passes.pinned()["web"] == "3"


def test_a_pin_that_moves_while_it_is_pushed_stays_too() -> None:
    """The derivation is made again on what arrived."""
    desk = Desk()
    pins = {"api": image("api", "1"), "web": image("web", "3")}
    desk.passes.repository.before_push.append({PINS: pins_text(pins)})
    assert desk.done().state is UndoState.SUPERSEDED
    assert desk.passes.pinned()["web"] == "3"


def test_where_one_pin_was_moved_the_others_go_back() -> None:
    desk = Desk()
    desk.passes.release(api="2")
    undo = desk.intended(
        ("api", image("api", "1"), image("api", "2")), ("web", image("web", "1"), image("web", "2"))
    )
    desk.passes.release(api="3")
    done = desk.done(undo)
    assert done.state is UndoState.DONE
    assert done.detail.endswith("; the pin of api was moved meanwhile, and stays")
    assert desk.passes.pinned() == {"api": "3", "web": "1"}


def test_what_a_person_took_back_already_is_done() -> None:
    desk = Desk()
    undo = desk.intended()
    desk.passes.release(web="1")
    commits = len(desk.passes.repository.line)
    done = desk.done(undo)
    assert (done.state, done.detail) == (UndoState.DONE, "Git pins it already")
    assert len(desk.passes.repository.line) == commits


def test_another_tag_of_the_rejected_digest_goes_back_as_well() -> None:
    desk = Desk()
    undo = desk.intended()
    desk.passes.release("Another tag", web="2")
    pins = {"api": image("api", "1"), "web": f"registry/web:latest@{digest('2')}"}
    desk.passes.repository.put({PINS: pins_text(pins)})
    assert desk.done(undo).state is UndoState.DONE
    assert desk.passes.pinned()["web"] == "1"
