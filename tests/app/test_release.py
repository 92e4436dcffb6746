"""Commits that move pins, forward and back; and what history makes of them."""

from __future__ import annotations

import pytest

from reconciler.app.history import history
from reconciler.app.release import Moved
from reconciler.domain.history import HistoryRow
from reconciler.domain.image import ImageRef
from reconciler.errors import InvalidState, Refused, Stale
from tests.app.passes import PINS, Passes, pins_text
from tests.app.scene import Scene
from tests.domain.values import digest, image, svc


def stage(*names: str) -> Passes:
    """Services at version 1; the registry knows versions 1 to 5."""
    passes = Passes(Scene(tuple(svc(name) for name in names)))
    for name in names:
        for version in "12345":
            passes.scene.registry.digests[f"registry/{name}:{version}"] = digest(version)
    return passes


def pin(passes: Passes, push: str = "", reason: str = "", **asked: str) -> Moved:
    images = passes.pins.resolve(passes.scene.env, asked)
    return passes.pins.pin(passes.scene.env, images, reason=reason, push=push)


def back(passes: Passes, *services: str, to: str = "", reason: str = "", push: str = "") -> Moved:
    return passes.pins.roll_back(passes.scene.env, services, to=to, reason=reason, push=push)


def rows(passes: Passes, limit: int = 0) -> tuple[HistoryRow, ...]:
    return history(passes.scene.env, passes.desired, limit=limit)


# --- pin ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked", [":2", "registry/web:2", f"registry/web:2@{digest('2')}"], ids=["tag", "name", "digest"]
)
def test_what_a_person_types_becomes_a_pin_with_its_digest(asked: str) -> None:
    passes = stage("web")
    assert passes.pins.resolve(passes.scene.env, {"web": asked}) == {
        "web": ImageRef("registry/web", "2", digest("2"))
    }


@pytest.mark.parametrize(
    ("service", "asked", "why"),
    [
        ("web", ":9", "the registry has no"),
        ("web", "Web:2", "lower case"),
        ("web", "", "empty"),
        ("web", "${TAG}", "no variables"),
        ("other", ":2", "has no pin yet"),
    ],
)
def test_what_is_no_image_is_refused(service: str, asked: str, why: str) -> None:
    passes = stage("web")
    with pytest.raises(Refused, match=why):
        passes.pins.resolve(passes.scene.env, {service: asked})


def test_a_pin_changes_one_scalar_and_is_committed_with_what_it_does() -> None:
    passes = stage("web", "api")
    before = passes.repository.read(passes.repository.head(), PINS)
    moved = pin(passes, web=":2", reason="a fix\nReconcile-Rollback-Of: forged")
    after = passes.repository.read(moved.revision, PINS)
    changed = [(a, b) for a, b in zip(before.splitlines(), after.splitlines(), strict=True) if a != b]
    assert changed == [(f"    image: {image('web', '1')}", f"    image: {image('web', '2')}")]
    assert moved.subject == "production: web 1 → 2"
    commit = passes.repository.log(PINS)[0]
    assert dict(commit.trailers) == {"Reconcile-Environment": "production"}, "a reason adds no trailers"
    assert passes.repository.pushed == []


def test_several_pins_are_one_commit() -> None:
    passes = stage("web", "api")
    count = len(passes.repository.line)
    moved = pin(passes, web=":2", api=":3")
    assert passes.pinned() == {"api": "3", "web": "2"}
    assert len(passes.repository.line) == count + 1
    assert moved.subject == "production: api 1 → 3, web 1 → 2"


def test_pinning_what_is_pinned_is_refused() -> None:
    with pytest.raises(Refused, match="like that already"):
        pin(stage("web"), web=":1")


def test_a_first_pin_of_a_service() -> None:
    passes = stage("web")
    passes.scene.registry.digests["registry/new:1"] = digest("1")
    moved = pin(passes, new="registry/new:1")
    assert (moved.subject, passes.pinned()) == ("production: new registry/new:1", {"new": "1", "web": "1"})


def test_a_half_edited_pins_file_is_somebodys_work() -> None:
    passes = stage("web")
    passes.repository.dirty[PINS] = "half-edited"
    with pytest.raises(InvalidState, match="uncommitted changes"):
        pin(passes, web=":2")
    assert passes.pinned() == {"web": "1"}


def test_pushed_on_top_of_what_others_did_to_other_pins() -> None:
    passes = stage("web", "api")
    theirs = {"web": image("web", "1"), "api": image("api", "4")}
    passes.repository.before_push.append({PINS: pins_text(theirs)})
    pin(passes, web=":2", push="main")
    assert passes.pinned() == {"api": "4", "web": "2"}
    assert passes.repository.pushed == ["main"]


def test_a_person_who_moved_the_same_pin_meanwhile_wins() -> None:
    passes = stage("web")
    passes.repository.before_push.append({PINS: pins_text({"web": image("web", "5")})})
    with pytest.raises(Stale, match="somebody moved the pin of web"):
        pin(passes, web=":2", push="main")
    assert passes.pinned() == {"web": "5"}
    assert passes.repository.pushed == []


# --- roll back ---------------------------------------------------------------------------------------


def test_back_to_the_release_before() -> None:
    passes = stage("web")
    released = pin(passes, web=":2").revision.commit
    moved = back(passes, reason="it is slow", push="main")
    assert passes.pinned() == {"web": "1"}
    assert moved.subject == "Roll back production: web 2 → 1"
    assert dict(passes.repository.log(PINS)[0].trailers) == {
        "Reconcile-Environment": "production",
        "Reconcile-Rollback-Of": released,
        "Reconcile-Reason": "it is slow",
    }
    assert passes.repository.pushed == ["main"]


def test_twice_back_is_two_releases_back_and_never_forward_again() -> None:
    passes = stage("web")
    for version in "234":
        pin(passes, web=f":{version}")
    seen = []
    for _ in range(3):
        back(passes)
        seen.append(passes.pinned()["web"])
    assert seen == ["3", "2", "1"]
    with pytest.raises(Refused, match="no earlier release"):
        back(passes)


def test_a_release_after_a_rollback_goes_back_to_what_ran_before_it() -> None:
    passes = stage("web")
    pin(passes, web=":2")
    pin(passes, web=":3")
    back(passes)
    pin(passes, web=":4")
    back(passes)
    assert passes.pinned() == {"web": "2"}


def test_one_service_goes_back_and_the_others_stay() -> None:
    passes = stage("web", "api")
    pin(passes, web=":2", api=":2")
    pin(passes, api=":3")
    back(passes, "web")
    assert passes.pinned() == {"api": "3", "web": "1"}


def test_commits_that_did_not_touch_the_pins_are_no_releases() -> None:
    passes = stage("web")
    pin(passes, web=":2")
    passes.repository.put({"README.md": "words"})
    back(passes)
    assert passes.pinned() == {"web": "1"}


def test_back_to_a_named_revision() -> None:
    passes = stage("web")
    first = passes.repository.head().commit
    pin(passes, web=":2")
    last = pin(passes, web=":3").revision.commit
    back(passes, to=first[:10])
    assert passes.pinned() == {"web": "1"}
    assert dict(passes.repository.log(PINS)[0].trailers)["Reconcile-Rollback-Of"] == last


def test_back_to_what_is_pinned_is_refused() -> None:
    passes = stage("web")
    with pytest.raises(Refused, match="already"):
        back(passes, to=passes.repository.head().commit)


def test_a_first_release_has_nothing_before_it() -> None:
    with pytest.raises(Refused, match="no earlier release"):
        back(stage("web"))


def test_a_service_that_had_no_pin_then_is_refused_by_name() -> None:
    passes = stage("web")
    first = passes.repository.head().commit
    passes.scene.registry.digests["registry/new:1"] = digest("1")
    pin(passes, new="registry/new:1")
    with pytest.raises(Refused, match="new had no pin"):
        back(passes, "new", to=first)


def test_a_service_that_left_since_is_not_brought_back() -> None:
    passes = stage("web", "old")
    first = passes.repository.head().commit
    passes.repository.put({PINS: pins_text({"web": image("web", "2")})}, "old is gone")
    back(passes, to=first)
    assert passes.pinned() == {"web": "1"}


def test_whoever_moves_the_pin_while_we_roll_back_wins() -> None:
    passes = stage("web")
    pin(passes, web=":2")
    passes.repository.before_push.append({PINS: pins_text({"web": image("web", "5")})})
    with pytest.raises(Stale):
        back(passes, push="main")
    assert passes.pinned() == {"web": "5"}


# --- history -----------------------------------------------------------------------------------------


def test_history_is_newest_first_with_what_changed() -> None:
    passes = stage("web", "api")
    first = passes.repository.head()
    second = pin(passes, web=":2").revision
    found = rows(passes)
    assert [row.revision for row in found] == [second.commit, first.commit]
    assert found[0].changes == (("web", image("web", "1"), image("web", "2")),)
    assert found[1].changes == (("api", "", image("api", "1")), ("web", "", image("web", "1")))
    assert found[0].author == "dev"
    assert found[0].at > found[1].at


def test_a_rollback_says_of_what_and_why() -> None:
    passes = stage("web")
    released = pin(passes, web=":2").revision.commit
    back(passes, reason="it is slow")
    row = rows(passes)[0]
    assert (row.rollback_of, row.reason) == (released, "it is slow")
    assert [(r.rollback_of, r.reason) for r in rows(passes)[1:]] == [("", ""), ("", "")]


def test_a_limit_keeps_the_changes_right() -> None:
    passes = stage("web")
    for version in "234":
        pin(passes, web=f":{version}")
    everything = rows(passes)
    assert [rows(passes, limit) for limit in (1, 2, 3)] == [everything[:limit] for limit in (1, 2, 3)]


def test_an_old_file_that_cannot_be_read_has_no_pins() -> None:
    passes = stage("web")
    passes.repository.put({PINS: "services: ["}, "broken")
    pin_again = passes.repository.put({PINS: pins_text({"web": image("web", "2")})}, "mended")
    found = rows(passes)
    assert found[0].revision == pin_again.commit
    assert found[0].changes == (("web", "", image("web", "2")),)
    assert found[1].changes == (("web", image("web", "1"), ""),)
