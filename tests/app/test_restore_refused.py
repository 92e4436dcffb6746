"""Backups that are not restored, and backups that vanish; the data and what runs are left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.domain.backups import MARKER, Purpose
from reconciler.domain.data import Data
from reconciler.domain.restoring import Ending
from reconciler.errors import DataFailed, Refused
from tests.app.restores import RUNS, bad_release, stage


def test_a_backup_without_a_marker_is_none() -> None:
    restores, stamp, _, now = bad_release()
    restores.server.there[f"kompass_backup_{stamp}"].notes.clear()
    with pytest.raises(Refused, match="no whole backup"):
        restores.go_back(f"kompass_backup_{stamp}")
    with pytest.raises(Refused, match="no whole backup"):
        restores.go_back(stamp)
    with pytest.raises(Refused, match="not whole"):
        restores.go_back(f"team/notes_backup_{stamp}")
    with pytest.raises(Refused, match="no verified backup"):
        restores.go_back()
    assert (restores.says(), restores.running) == (now, RUNS)


def test_a_backup_of_another_application() -> None:
    restores, stamp, *_ = bad_release()
    shop = restores.server.new(f"shop_backup_{stamp}")
    shop.notes[MARKER] = restores.server.there[f"kompass_backup_{stamp}"].notes[MARKER]
    with pytest.raises(Refused, match="another application"):
        restores.go_back(f"shop_backup_{stamp}")
    restores.server.there[f"kompass_backup_{stamp}"].notes[MARKER] = shop.notes[MARKER].replace(
        '"source": "kompass"', '"source": "shop"'
    )
    with pytest.raises(Refused, match="another application"):
        restores.go_back(stamp)


def test_a_backup_that_somebody_wrote_to() -> None:
    restores, stamp, _, now = bad_release()
    restores.server.there[f"kompass_backup_{stamp}"].put("order-0", {"total": "forged"})
    with pytest.raises(Refused, match="not what it was"):
        restores.go_back(stamp)
    assert restores.says() == now


def test_a_backup_that_was_never_made() -> None:
    restores, *_ = bad_release()
    with pytest.raises(Refused, match="there is no backup 20200101-000000"):
        restores.go_back("20200101-000000")


def test_a_backup_that_goes_half_way() -> None:
    restores, stamp, *_ = bad_release()
    name = f"team/notes_backup_{stamp}"
    restores.server.meanwhile["write"] = lambda: restores.server.there.pop(name, None)
    restored = restores.go_back(stamp)
    assert restored.ending is Ending.HALF
    assert isinstance(restored.error, DataFailed)
    with pytest.raises(Refused, match="not there any more"):
        restores.go_back()
    restores.server.meanwhile.clear()
    back = restores.go_back(restored.present[0][-15:])
    assert (back.ending, restores.running) == (Ending.RESTORED, RUNS)


def test_without_databases_there_is_nothing_to_restore() -> None:
    restores = stage()
    restores.passes.scene.env = replace(restores.passes.scene.env, data=Data())
    with pytest.raises(Refused, match=r"has no data\.couchdb"):
        restores.plan()


def test_the_newest_that_was_not_made_for_a_restore_is_usual() -> None:
    restores, stamp, *_ = bad_release()
    restores.back_up(purpose=Purpose.RESTORE)
    assert restores.plan()[0].stamp == stamp
