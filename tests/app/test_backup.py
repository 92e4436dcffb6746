"""Backups: verified, marked, used again where nothing changed, and let go of when nothing needs them."""

from __future__ import annotations

import pytest

from reconciler.app.data_revisions import protected_releases, running_release
from reconciler.domain.backups import MARKER, Purpose, read_marker
from reconciler.domain.documents import Backup
from reconciler.domain.report import Verb
from reconciler.errors import DataFailed, DataUnreachable
from tests.app.restores import Restores, stage

FIRST, SECOND = "20260930-140100", "20260930-140200"


def marker(restores: Restores, name: str) -> Backup | None:
    return read_marker(name, restores.server.there[name].notes.get(MARKER, ""))


def test_every_database_is_copied_under_one_stamp() -> None:
    restores = stage()
    made = restores.back_up(release="8f3c2d1a")
    names = (f"kompass_backup_{FIRST}", f"team/notes_backup_{FIRST}")
    assert made.copied == names
    assert made.notes == made.expired == ()
    for backup in made.backups:
        copy = restores.server.there[backup.name]
        assert copy.says() == restores.server.there[backup.source].says()
        assert copy.security == restores.server.there[backup.source].security
        assert copy.like == backup.source
        assert marker(restores, backup.name) == backup
        assert (backup.together, backup.releases, backup.point_in_time) == (names, ("8f3c2d1a",), True)


def test_the_step_says_what_was_copied_and_at_which_sequence() -> None:
    restores = stage()
    restores.back_up(release="8f3c2d1a0000")
    steps = [step for step in restores.passes.scene.steps if step.verb is Verb.BACKUP]
    assert [step.subject for step in steps] == ["kompass", "team/notes"]
    assert steps[1].detail == f"team/notes_backup_{FIRST}, sequence 1-opaque, release 8f3c2d1"


def test_what_has_not_changed_is_not_copied_again_and_learns_of_the_release() -> None:
    restores = stage()
    restores.back_up(release="one")
    restores.kompass.put("order-0", {"total": 7})
    second = restores.back_up(release="two")
    assert second.copied == (f"kompass_backup_{SECOND}",)
    kompass, notes = second.backups
    assert notes.name == f"team/notes_backup_{FIRST}"
    assert notes.releases == ("one", "two")
    assert kompass.together == (kompass.name, notes.name)
    third = restores.back_up(release="two")
    assert third.copied == ()
    assert third.backups == second.backups


@pytest.mark.parametrize("changed", ["security", "the copy", "made anew"])
def test_the_sequence_alone_is_not_believed(changed: str) -> None:
    restores = stage()
    restores.back_up()
    kompass = restores.kompass
    match changed:
        case "security":
            kompass.security = "{}"
        case "the copy":
            restores.server.there[f"kompass_backup_{FIRST}"].purge("order-0")
        case _:
            sequence = kompass.sequence
            anew = restores.server.new("kompass")
            while anew.sequence < sequence:
                anew.put("another", {})
    assert restores.back_up().copied == (f"kompass_backup_{SECOND}",)


def test_writers_are_not_stopped_for_a_backup_and_it_says_that_it_is_of_no_one_moment() -> None:
    restores = stage()
    kompass = restores.kompass
    restores.server.meanwhile["replicate"] = lambda: [
        kompass.put("order-0", {"total": 9}),
        kompass.put("n", {}),
    ]
    kompass_backup, notes = restores.back_up().backups
    assert not kompass_backup.point_in_time
    assert notes.point_in_time
    restores.server.meanwhile.clear()
    assert restores.back_up().copied == (f"kompass_backup_{SECOND}",), "what changed meanwhile is not in it"


def test_a_copy_that_lacks_documents_is_no_backup() -> None:
    restores = stage()
    restores.back_up()
    restores.kompass.put("order-0", {"total": 7})
    target = f"kompass_backup_{SECOND}"
    restores.server.meanwhile["replicate"] = lambda: restores.server.there[target].purge("order-3")
    with pytest.raises(DataFailed, match=r"1 documents differ: 'order-3'"):
        restores.back_up()
    assert target not in restores.server.there
    assert restores.backups.listed().backups[0].name.endswith(FIRST), "the one before is still there"


def test_of_several_databases_none_is_marked_before_all_are_whole() -> None:
    restores = stage()
    restores.server.refused = {"hello"}
    with pytest.raises(DataFailed):
        restores.back_up()
    assert sorted(restores.server.there) == ["kompass", "team/notes"]


def test_what_a_server_that_went_away_left_goes_with_the_next_backup() -> None:
    restores = stage()
    restores.server.fail("replicate", error=DataUnreachable("gone"), after=True)
    with pytest.raises(DataUnreachable):
        restores.back_up()
    assert restores.backups.listed().partial == (f"kompass_backup_{FIRST}",)
    assert restores.back_up().expired == (f"kompass_backup_{FIRST}",)


def test_a_database_that_is_not_there() -> None:
    restores = stage()
    del restores.server.there["team/notes"]
    with pytest.raises(DataFailed, match="no database team/notes"):
        restores.back_up()
    made = restores.back_up(purpose=Purpose.RELEASE)
    assert made.notes == ("there is no database team/notes yet: nothing of it to back up",)
    restores.server.new("team/notes").put("hello", {})
    restores.back_up()
    del restores.server.there["team/notes"]
    with pytest.raises(DataFailed, match="no database team/notes"):
        restores.back_up(purpose=Purpose.RELEASE)


def test_old_ones_go_once_the_new_one_is_verified_and_not_before() -> None:
    restores = stage(keep=2)
    for number in range(3):
        restores.kompass.put("order-0", {"total": number})
        made = restores.back_up()
    assert made.expired == (f"kompass_backup_{FIRST}",)
    calls = [call[0] for call in restores.server.calls]
    assert calls.index("delete") > max(n for n, call in enumerate(calls) if call == "set_note")


def test_what_cannot_be_let_go_of_is_a_note() -> None:
    restores = stage(keep=1)
    restores.back_up()
    restores.kompass.put("order-0", {"total": 7})
    restores.server.fail("delete", error=DataUnreachable("gone"))
    made = restores.back_up()
    assert made.notes == (f"the older backup kompass_backup_{FIRST} stays: gone",)


def test_backups_of_releases_that_can_be_gone_back_to_stay() -> None:
    restores = stage(keep=1)
    passes = restores.passes
    first = running_release(passes.scene.env, passes.journal)
    restores.backups.back_up(release=first)
    passes.release(web="2")
    passes.once()
    second = running_release(passes.scene.env, passes.journal)
    assert protected_releases(passes.scene.env, passes.journal) == (second, first)
    assert first != second
    for number in range(3):
        restores.kompass.put("order-0", {"total": number})
        passes.scene.clock.passed += 60
        protected = protected_releases(passes.scene.env, passes.journal)
        restores.backups.back_up(release=second, protected=protected)
    kept = [one for one in restores.backups.listed().backups if one.source == "kompass"]
    assert [one.releases for one in kept] == [(second,), (first,)]


def test_databases_of_others_and_markers_of_a_newer_version_are_left_alone() -> None:
    restores = stage(keep=1)
    restores.server.new("shop_backup_20200101-000000")
    restores.back_up()
    name = f"kompass_backup_{FIRST}"
    restores.server.there[name].notes[MARKER] = '{"version": 2}'
    for _ in range(3):
        restores.kompass.put("order-0", {"total": 1})
        restores.back_up()
    listed = restores.backups.listed()
    assert listed.unreadable == ((name, "its marker has version 2"),)
    assert {"shop_backup_20200101-000000", name} <= set(restores.server.there)
