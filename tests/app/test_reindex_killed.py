"""Killed at any point of a reindex, the next one ends well, and nothing that serves stays down."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from reconciler.domain.data import Rebuild
from reconciler.domain.search import built_beside
from tests.app.searching import COMMANDED, RESTARTED, Shop, searching
from tests.bed.fake_faults import Killed
from tests.bed.meilisearch import MeiliDouble


def staged(rebuild: Rebuild, double: MeiliDouble) -> Shop:
    """A shop with 3 customers in the index, and 5 to show; what is started fills what is not there."""
    shop = Shop(searching(rebuild), double)
    shop.documents(customers=3)

    def starts() -> None:
        if "customers" not in double.indexes:
            double.add("customers", range(5))

    shop.starts, shop.builds = starts, lambda index: double.add(index, range(5))
    return shop


def killed_at(shop: Shop, point: int, act: Callable[[Shop], object]) -> bool:
    """Whether a run was killed at the n-th failpoint that it came to; nothing of it goes on afterwards."""
    reached = itertools.count()
    dead: list[str] = []

    def failpoint(name: str) -> None:
        if dead or next(reached) == point:
            dead.append(name)
            shop.scene.world.die_at(1)
            raise Killed

    shop.scene.failpoint = failpoint
    try:
        act(shop)
    except Killed:
        pass
    finally:
        shop.scene.world.revive()
        shop.scene.failpoint = lambda _name: None
    return bool(dead)


def all_well(shop: Shop, double: MeiliDouble) -> None:
    """The next pass starts what was stopped, and the next run fills the index."""
    shop.passes.once()
    assert shop.scene.running() == "backend-1=1 web-1=1"
    assert [one.documents for one in shop.reindex.rebuild()] == [5]
    assert shop.scene.running() == "backend-1=1 web-1=1"
    assert double.count("customers") == 5
    assert len(built_beside("customers", double.indexes)) <= 1
    assert not shop.passes.leases.turns.kept


@pytest.mark.parametrize("rebuild", [RESTARTED, COMMANDED], ids=["restart", "command"])
def test_killed_anywhere_the_next_run_ends_well(rebuild: Rebuild) -> None:
    for point in itertools.count():
        with MeiliDouble() as double:
            shop = staged(rebuild, double)
            killed = killed_at(shop, point, lambda shop: shop.reindex.rebuild())
            if rebuild is COMMANDED:
                assert double.count("customers") in (3, 5), "what serves is whole at any time"
            all_well(shop, double)
        if not killed:
            break
    assert point >= 10


def test_killed_anywhere_a_swap_back_is_done_or_not() -> None:
    for point in itertools.count():
        with MeiliDouble() as double:
            shop = staged(COMMANDED, double)
            (built,) = shop.reindex.rebuild()
            killed = killed_at(shop, point, lambda shop: shop.reindex.swap_back())
            assert {double.count("customers"), double.count(built.displaced)} == {3, 5}
            if not killed:
                assert double.count("customers") == 3
                break
    assert point > 3
