"""Indexes are rebuilt, and nothing is claimed before they are whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from reconciler.app.reindex import Reindex
from reconciler.domain.data import Data, Index
from reconciler.domain.search import Rebuilt
from reconciler.errors import (
    DataFailed,
    DataUnreachable,
    EngineFailed,
    HookFailed,
    LeaseLost,
    Locked,
    PermissionRefused,
    ReconcileError,
    Refused,
)
from reconciler.ports import Ran
from tests.app.searching import COMMANDED, RESTARTED, Shop, searching
from tests.bed.meilisearch import MeiliDouble
from tests.domain.values import COMMIT, svc

BESIDE = f"customers__{COMMIT[:7]}"


@pytest.fixture
def double() -> Iterator[MeiliDouble]:
    with MeiliDouble() as found:
        yield found


@pytest.fixture
def shop(double: MeiliDouble) -> Shop:
    """A backend that fills the index of customers when it starts, and 3 of them before."""
    shop = Shop(searching(), double)
    shop.documents(customers=3)
    shop.starts = lambda: double.add("customers", range(3))
    return shop


def restarting(shop: Shop) -> list[str]:
    """What was done on the engine."""
    return shop.scene.did


# --- By restarting what fills them --------------------------------------------------------------------


def test_the_index_is_deleted_the_service_restarted_and_the_index_awaited(shop: Shop) -> None:
    (found,) = shop.reindex.rebuild()
    assert replace(found, seconds=0.0) == Rebuilt("customers", 3, 3, 0.0)
    assert found.seconds > 0
    assert restarting(shop) == ["stop backend-1", "start backend-1"]
    assert [(step.verb, step.subject) for step in shop.scene.steps] == [
        ("remove", "index customers"),
        ("restart", "backend"),
        ("verify", "index customers"),
    ]
    assert all(step.good for step in shop.scene.steps)


def test_it_is_not_done_while_batches_are_to_come(shop: Shop, double: MeiliDouble) -> None:
    """Between two tasks of an index the server says that it is not indexing."""
    double.slowness = 3
    shop.starts = lambda: [double.add("customers", [n]) for n in range(3)]
    (found,) = shop.reindex.rebuild()
    assert found.documents == 3


def test_an_application_that_sends_one_batch_after_the_other_is_waited_for(double: MeiliDouble) -> None:
    shop = Shop(searching(RESTARTED, Index("customers", 30)), double)
    double.fill("customers", 30)
    begun: list[float] = []
    shop.starts = lambda: begun.append(shop.scene.clock.passed)
    shop.scene.clock = Sending(shop, begun)  # type: ignore[assignment]
    shop.scene.world.clock = shop.scene.clock
    (found,) = shop.reindex.rebuild()
    assert found.documents == 30


class Sending:
    """Time in which the application sends ten documents each three seconds, three times."""

    def __init__(self, shop: Shop, begun: list[float]) -> None:
        self.real, self.shop, self.begun, self.sent = shop.scene.clock, shop, begun, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)

    def wait(self, seconds: float) -> None:
        self.real.wait(seconds)
        if self.begun and self.sent < 3 and self.real.passed - self.begun[0] >= 3 * self.sent:
            self.shop.double.add("customers", range(10 * self.sent, 10 * self.sent + 10))
            self.sent += 1


def test_b_18_what_the_service_writes_before_it_is_stopped_is_deleted_as_well(
    shop: Shop, double: MeiliDouble
) -> None:
    """It would be an index without settings, and be taken for the index itself."""
    remove = double._delete

    def written_meanwhile(index: str) -> None:
        remove(index)
        double._delete = remove  # type: ignore[method-assign]
        double.add(index, [99])

    double._delete = written_meanwhile  # type: ignore[method-assign]
    there: list[int | None] = []

    def starts() -> None:
        there.append(double.count("customers"))
        double.add("customers", range(3))

    shop.starts = starts
    shop.reindex.rebuild()
    assert there == [None]
    assert set(double.indexes["customers"].documents) == {"0", "1", "2"}


def test_what_joins_the_network_of_the_service_is_restarted_with_it(double: MeiliDouble) -> None:
    shop = Shop(searching(services=(svc("backend"), svc("sidecar", network_of="backend"))), double)
    shop.documents(customers=3)
    shop.starts = lambda: double.add("customers", range(3))
    shop.reindex.rebuild()
    assert restarting(shop) == ["stop sidecar-1", "stop backend-1", "start backend-1", "start sidecar-1"]
    assert shop.scene.world.cut_off() == ()


def test_only_the_indexes_that_are_named_are_rebuilt(double: MeiliDouble) -> None:
    shop = Shop(searching(RESTARTED, Index("customers"), Index("orders"), Index("parts")), double)
    shop.documents(customers=3, orders=2, parts=1)
    shop.starts = lambda: [double.add("orders", range(2)), double.add("parts", [0])]
    assert [one.index for one in shop.reindex.rebuild(["parts", "orders", "parts"])] == ["parts", "orders"]
    assert double.indexes["customers"].settings == {"filterableAttributes": ["name"]}


def test_while_the_service_fills_the_index_others_may_act(shop: Shop) -> None:
    """It may take minutes, and a rollback must not wait for it."""
    held: list[bool] = []
    waiting: list[bool] = []

    def starts() -> None:
        held.append(shop.passes.leases.held)
        shop.double.add("customers", range(3))

    def interrupted() -> bool:
        waiting.append(shop.passes.leases.held or shop.passes.lock.held)
        return False

    shop.starts, shop.scene.interrupted = starts, interrupted
    shop.reindex.rebuild()
    assert held == [True]
    assert waiting
    assert not any(waiting)


# --- What goes wrong with it --------------------------------------------------------------------------


def failed(shop: Shop, error: type[ReconcileError] = DataFailed) -> ReconcileError:
    with pytest.raises(error) as raised:
        shop.reindex.rebuild()
    assert not shop.passes.leases.held
    assert not shop.passes.lock.held
    return raised.value


def test_an_index_that_never_fills_is_waited_for_no_longer_than_that(shop: Shop, double: MeiliDouble) -> None:
    shop.starts = lambda: double.add("customers", [1])
    error = failed(shop)
    assert error.problem == "after 20 s, index customers: 1 of at least 2 documents, and it rests"
    assert "--allow-fewer" in error.hint
    assert shop.scene.clock.passed == pytest.approx(20, abs=10)


def test_fewer_are_taken_where_a_person_says_so(shop: Shop, double: MeiliDouble) -> None:
    shop.starts = lambda: double.add("customers", [1])
    (found,) = shop.reindex.rebuild(fewer=True)
    assert (found.documents, found.before) == (1, 3)


def test_an_index_whose_tasks_stand_still(shop: Shop, double: MeiliDouble) -> None:
    def starts() -> None:
        double.add("customers", range(3))
        double.stuck.add("customers")

    shop.starts = starts
    assert failed(shop).problem == "after 20 s, index customers: it is not there, and tasks of it wait"


def test_a_service_that_does_not_fill_it(shop: Shop) -> None:
    shop.starts = lambda: None
    assert failed(shop).problem == "after 20 s, index customers: it is not there"


def test_a_task_that_fails_ends_the_waiting_at_once(shop: Shop, double: MeiliDouble) -> None:
    double.fails("documentAdditionOrUpdate", "invalid_document_id", "Document identifier `é` is invalid.")
    error = failed(shop)
    assert (
        "cannot be filled: task 1 (documentAdditionOrUpdate) failed: Document identifier `é`" in error.problem
    )
    assert shop.scene.clock.passed < 10


def test_a_task_that_is_canceled_ends_the_waiting_at_once(shop: Shop, double: MeiliDouble) -> None:
    double.cancels("documentAdditionOrUpdate")
    assert "was canceled by task 2" in failed(shop).problem


def test_what_failed_before_is_nobodys_fault_now(shop: Shop, double: MeiliDouble) -> None:
    double.fails("documentAdditionOrUpdate")
    double.add("customers", [1])
    assert shop.reindex.rebuild()[0].documents == 3


def test_a_deletion_that_fails_leaves_everything_as_it_was(shop: Shop, double: MeiliDouble) -> None:
    double.fails("indexDeletion")
    assert "could not delete index customers" in failed(shop).problem
    assert double.count("customers") == 3
    assert restarting(shop) == []


def test_a_deletion_that_is_canceled_leaves_everything_as_it_was(shop: Shop, double: MeiliDouble) -> None:
    double.cancels("indexDeletion")
    assert "was canceled by task" in failed(shop).problem
    assert (double.count("customers"), restarting(shop)) == (3, [])


def test_a_full_queue_leaves_everything_as_it_was(shop: Shop, double: MeiliDouble) -> None:
    double.full = True
    assert "no_space_left_on_device" in failed(shop).problem
    assert (double.count("customers"), restarting(shop)) == (3, [])


def test_a_server_that_is_down_leaves_everything_as_it_was(shop: Shop, double: MeiliDouble) -> None:
    double.down = True
    failed(shop, DataUnreachable)
    assert (double.count("customers"), restarting(shop)) == (3, [])


def test_a_key_that_is_refused_leaves_everything_as_it_was(shop: Shop, double: MeiliDouble) -> None:
    reindex = shop.reindex
    double.key = "another one"
    with pytest.raises(PermissionRefused):
        reindex.rebuild()
    assert (double.count("customers"), restarting(shop)) == (3, [])


def test_where_one_of_two_cannot_be_deleted_the_other_is_filled_all_the_same(double: MeiliDouble) -> None:
    """An index that is gone and that nobody fills would be worse than what went wrong."""
    shop = Shop(searching(RESTARTED, Index("customers"), Index("orders")), double)
    shop.documents(customers=3, orders=2)
    delete = double._delete

    def first_only(index: str) -> None:
        delete(index)
        double.fails("indexDeletion", "internal", "the disk is broken")

    double._delete = first_only  # type: ignore[method-assign]
    shop.starts = lambda: double.add("customers", range(3))
    assert "could not delete index orders" in failed(shop).problem
    assert restarting(shop) == ["stop backend-1", "start backend-1"]
    assert double.count("orders") == 2


def test_a_service_that_does_not_run_fills_nothing_and_nothing_is_deleted(
    shop: Shop, double: MeiliDouble
) -> None:
    shop.scene.world.named("shop-backend-1").end(137)
    assert "no container of service backend runs" in failed(shop).problem
    assert double.count("customers") == 3


def test_a_service_that_cannot_be_started_again(shop: Shop) -> None:
    shop.scene.world.fail("start", error=EngineFailed("no room"))
    assert failed(shop, EngineFailed).problem == "no room"


def test_what_goes_wrong_while_it_is_stopped_does_not_keep_it_stopped(
    shop: Shop, double: MeiliDouble
) -> None:
    """The rest of the application must not be down because a search server is."""
    stop = shop.scene.world.stop

    def stop_and_lose_the_server(container: str, grace_seconds: float) -> None:
        stop(container, grace_seconds)
        double.down = True

    shop.scene.world.stop = stop_and_lose_the_server  # type: ignore[method-assign]
    failed(shop, DataUnreachable)
    assert "backend-1=1" in shop.scene.running()


def test_a_server_that_restarts_while_it_is_filled_is_waited_for(shop: Shop, double: MeiliDouble) -> None:
    def starts() -> None:
        double.add("customers", range(3))
        double.mute = set(range(len(double.asked) + 1, len(double.asked) + 9))

    shop.starts = starts
    assert shop.reindex.rebuild()[0].documents == 3


def test_a_person_who_wants_it_to_end_ends_the_waiting(shop: Shop) -> None:
    ending: list[bool] = []
    shop.starts = lambda: ending.append(True)
    shop.scene.interrupted = lambda: bool(ending)
    assert failed(shop).problem == "interrupted while index customers: it is not there"


def test_nothing_is_done_without_a_turn(shop: Shop, double: MeiliDouble) -> None:
    shop.passes.leases.other = "process 4711 on ci-7"
    assert "ci-7" in failed(shop, Locked).problem
    assert double.count("customers") == 3
    shop.passes.leases.other = ""
    shop.passes.lock.holder = "process 12"
    with pytest.raises(Locked):
        shop.reindex.swap_back()
    assert restarting(shop) == []


def test_nothing_more_is_done_once_the_turn_is_lost(shop: Shop, double: MeiliDouble) -> None:
    stop = shop.scene.world.stop

    def stop_and_lose(container: str, grace_seconds: float) -> None:
        stop(container, grace_seconds)
        shop.passes.leases.lease.lost = True

    shop.scene.world.stop = stop_and_lose  # type: ignore[method-assign]
    failed(shop, LeaseLost)
    assert restarting(shop) == ["stop backend-1"]


# --- Beside those that serve --------------------------------------------------------------------------


@pytest.fixture
def builder(double: MeiliDouble) -> Shop:
    """A backend with a command that fills an index, which has 5 customers to show; 3 are in the index."""
    shop = Shop(searching(COMMANDED), double)
    shop.documents(customers=3)

    def builds(index: str) -> None:
        double._made(index).settings["filterableAttributes"] = ["name", "town"]
        double.add(index, range(5))

    shop.builds = builds
    return shop


def rest(double: MeiliDouble) -> dict[str, int]:
    return {name: len(held.documents) for name, held in sorted(double.indexes.items())}


def test_an_index_is_built_beside_the_one_that_serves_and_exchanged_with_it(
    builder: Shop, double: MeiliDouble
) -> None:
    commit = builder.passes.repository.head().commit
    name = f"customers__{commit[:7]}"
    (found,) = builder.reindex.rebuild()
    assert replace(found, seconds=0.0) == Rebuilt("customers", 5, 3, 0.0, displaced=name)
    assert rest(double) == {"customers": 5, name: 3}
    assert double.indexes["customers"].settings == {"filterableAttributes": ["name", "town"]}
    assert restarting(builder) == []
    ((program, variables, _),) = builder.scene.hooks.ran
    assert builder.scene.hooks.images == ["backend:1"]
    assert program == "fill-index"
    assert variables == {
        "RECONCILE_INDEX": name,
        "RECONCILE_ENVIRONMENT": "production",
        "RECONCILE_REVISION": commit,
    }


def test_b_18_the_one_that_serves_is_never_without_its_documents(builder: Shop, double: MeiliDouble) -> None:
    served: list[tuple[int | None, object]] = []
    tick = double.tick

    def looking() -> None:
        tick()
        held = double.indexes.get("customers")
        served.append((double.count("customers"), held.settings["filterableAttributes"] if held else None))

    double.tick = looking  # type: ignore[method-assign]
    builder.reindex.rebuild()
    assert set(map(str, served)) == {str((3, ["name"])), str((5, ["name", "town"]))}


def test_it_can_be_swapped_back_and_forth(builder: Shop, double: MeiliDouble) -> None:
    (built,) = builder.reindex.rebuild()
    (back,) = builder.reindex.swap_back()
    assert replace(back, seconds=0.0) == Rebuilt("customers", 3, 5, 0.0, displaced=built.displaced)
    assert rest(double) == {"customers": 3, built.displaced: 5}
    builder.reindex.swap_back(["customers"])
    assert rest(double) == {"customers": 5, built.displaced: 3}


def test_of_what_was_displaced_only_the_newest_stays(builder: Shop, double: MeiliDouble) -> None:
    double.fill("customers__archive", 9)
    first = builder.reindex.rebuild()[0].displaced
    second = builder.reindex.rebuild()[0]
    assert second.displaced == f"{first}-2"
    assert second.removed == (first,)
    assert rest(double) == {"customers": 5, "customers__archive": 9, f"{first}-2": 5}
    third = builder.reindex.rebuild()[0]
    assert (third.displaced, third.removed) == (first, (f"{first}-2",))


def test_what_cannot_be_cleared_away_does_not_undo_what_was_done(builder: Shop, double: MeiliDouble) -> None:
    builder.reindex.rebuild()
    swap = double._exchange

    def exchange(*arguments: object) -> None:
        swap(*arguments)  # type: ignore[arg-type]
        double.fails("indexDeletion", "internal", "the disk is broken")

    double._exchange = exchange  # type: ignore[method-assign,assignment]
    (found,) = builder.reindex.rebuild()
    assert "the disk is broken" in found.note
    assert found.removed == ()
    assert double.count("customers") == 5


def test_the_first_build_of_an_index_displaces_nothing(builder: Shop, double: MeiliDouble) -> None:
    del double.indexes["customers"]
    (found,) = builder.reindex.rebuild()
    assert (found.documents, found.before, found.displaced, found.removed) == (5, None, "", ())
    assert rest(double) == {"customers": 5}


def test_all_indexes_are_exchanged_at_once(double: MeiliDouble) -> None:
    shop = Shop(searching(COMMANDED, Index("customers"), Index("orders")), double)
    shop.documents(customers=3, orders=2)
    shop.builds = lambda index: double.add(index, range(4))
    shop.reindex.rebuild()
    assert sum(task.kind == "indexSwap" for task in double.tasks) == 1
    assert (double.count("customers"), double.count("orders")) == (4, 4)


def test_what_a_killed_run_left_half_built_is_not_filled_up(builder: Shop, double: MeiliDouble) -> None:
    name = f"customers__{builder.passes.repository.head().commit[:7]}"
    double.fill(name, 2)
    double.indexes[name].documents = {"old": {"id": "old"}}
    builder.reindex.rebuild()
    assert set(double.indexes["customers"].documents) == {"0", "1", "2", "3", "4"}


def test_what_a_killed_run_left_half_built_is_never_swapped_in(builder: Shop, double: MeiliDouble) -> None:
    double.fill(f"customers__{builder.passes.repository.head().commit[:7]}", 2)
    with pytest.raises(Refused, match="it has displaced nothing"):
        builder.reindex.swap_back()


@pytest.mark.parametrize(
    ("ran", "says"),
    [
        (Ran(3, "line\nno database"), "fill-index in a container of backend, .* exited with 3: no database"),
        (Ran(None, ""), "did not end within 20 s"),
    ],
)
def test_a_command_that_fails_leaves_what_serves_alone(
    builder: Shop, double: MeiliDouble, ran: Ran, says: str
) -> None:
    builder.builds = lambda index: double.add(index, [1])
    builder.scene.hooks.answers["fill-index"] = ran
    with pytest.raises(HookFailed, match=says):
        builder.reindex.rebuild()
    assert rest(double) == {"customers": 3}
    assert builder.scene.leftovers() == []


def test_a_command_that_cannot_be_started_leaves_it_alone_too(builder: Shop, double: MeiliDouble) -> None:
    builder.builds = lambda _index: None
    builder.scene.hooks.missing.add("fill-index")
    failed(builder, HookFailed)
    assert rest(double) == {"customers": 3}


def test_a_build_that_is_not_whole_is_not_exchanged(builder: Shop, double: MeiliDouble) -> None:
    builder.builds = lambda index: double.add(index, [1])
    assert "1 of at least 2 documents" in failed(builder).problem
    assert rest(double) == {"customers": 3}


def test_a_build_with_a_task_that_failed_is_not_exchanged(builder: Shop, double: MeiliDouble) -> None:
    double.fails("documentAdditionOrUpdate")
    failed(builder)
    assert rest(double) == {"customers": 3}


def test_an_exchange_that_fails_leaves_both_as_they_are(builder: Shop, double: MeiliDouble) -> None:
    double.fails("indexSwap")
    failed(builder)
    assert double.count("customers") == 3


def test_an_exchange_whose_answer_got_lost_is_told_as_that(builder: Shop, double: MeiliDouble) -> None:
    """Whether it was done nobody knows: both stay, and the next run builds anew."""
    answer = double.answer

    def lost(method: str, target: str, *rest: object) -> object:
        found = answer(method, target, *rest)  # type: ignore[arg-type]
        return None if target == "/swap-indexes" else found

    double.answer = lost  # type: ignore[method-assign,assignment]
    failed(builder, DataUnreachable)
    assert len(double.indexes) == 2
    double.answer = answer  # type: ignore[method-assign]
    assert builder.reindex.rebuild()[0].documents == 5
    assert len(double.indexes) == 2


# --- After a restore ----------------------------------------------------------------------------------


def test_after_a_restore_as_many_documents_as_there_are_will_do(shop: Shop, double: MeiliDouble) -> None:
    double.fill("customers", 1000)
    assert shop.reindex.follow() == ("index customers was filled again: 3 documents",)


def test_after_a_restore_a_command_builds_beside(builder: Shop, double: MeiliDouble) -> None:
    double.fill("customers", 1000)
    assert builder.reindex.follow() == ("index customers was filled again: 5 documents",)


# --- Swap back, and what is asked for -----------------------------------------------------------------


def test_what_is_gone_cannot_be_swapped_back(builder: Shop, double: MeiliDouble) -> None:
    (built,) = builder.reindex.rebuild()
    del double.indexes[built.displaced]
    with pytest.raises(Refused, match=f"what it displaced, {built.displaced}, is gone"):
        builder.reindex.swap_back()
    assert double.count("customers") == 5


def test_an_index_that_is_not_written_down_is_refused(shop: Shop, double: MeiliDouble) -> None:
    for ask in (shop.reindex.rebuild, shop.reindex.swap_back):
        with pytest.raises(Refused, match="there is no index 'orders'") as raised:
            ask(["orders"])
        assert raised.value.hint == "There are: customers"
    assert double.asked == []


def test_an_environment_without_a_search_server_is_refused(shop: Shop) -> None:
    shop.scene.env = replace(shop.scene.env, data=Data())
    reindex: Reindex = shop.reindex
    for ask in (reindex.rebuild, reindex.swap_back):
        with pytest.raises(Refused, match="has no search server"):
            ask()
