"""Dependencies first, in waves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.domain.desired import Service
from reconciler.domain.waves import DependencyCycle, waves
from tests.domain.values import svc


@pytest.mark.parametrize(
    ("services", "order"),
    [
        ([], ()),
        ([svc("b"), svc("a")], (("a", "b"),)),
        ([svc("web", needs=["api"]), svc("api", needs=["db"]), svc("db")], (("db",), ("api",), ("web",))),
        (
            [svc("web", needs=["api", "db"]), svc("api", needs=["db"]), svc("db")],
            (("db",), ("api",), ("web",)),
        ),
        ([svc("app", network_of="vpn"), svc("vpn")], (("vpn",), ("app",))),
        ([svc("web", needs=["elsewhere"])], (("web",),)),
        ([svc("a"), svc("z", needs=["a"]), svc("b", needs=["a"]), svc("c")], (("a", "c"), ("b", "z"))),
    ],
    ids=["none", "no order", "chain", "diamond", "a join is a dependency", "unknown", "sorted within"],
)
def test_order(services: list[Service], order: tuple[tuple[str, ...], ...]) -> None:
    assert waves(services) == order


@pytest.mark.parametrize(
    ("services", "cycle"),
    [
        ([svc("a", needs=["a"])], ("a", "a")),
        ([svc("a", needs=["b"]), svc("b", needs=["a"])], ("a", "b", "a")),
        ([svc("a", needs=["b"]), svc("b", network_of="a")], ("a", "b", "a")),
        (
            [svc("a", needs=["b"]), svc("b", needs=["c"]), svc("c", needs=["b"]), svc("d")],
            ("b", "c", "b"),
        ),
    ],
)
def test_a_cycle_is_named(services: list[Service], cycle: tuple[str, ...]) -> None:
    with pytest.raises(DependencyCycle) as caught:
        waves(services)
    assert caught.value.args[0] == cycle


def test_a_chain_of_thousands_needs_no_recursion() -> None:
    chain = [svc("s0"), *(svc(f"s{i}", needs=[f"s{i - 1}"]) for i in range(1, 5000))]
    assert len(waves(chain)) == 5000


class Counted(Service):
    """A service that counts how often somebody asks for its parents."""

    asked = 0

    @property
    def parents(self) -> tuple[str, ...]:
        Counted.asked += 1
        return tuple(sorted(d.service for d in self.depends_on))


def test_each_service_is_asked_once() -> None:
    """Linear: what a service waits for is read once, however many wait for it."""
    Counted.asked = 0
    many = [
        Counted(f"s{i:04}", "image", "hash", depends_on=svc("x", needs=["s0000"] * (i > 0)).depends_on)
        for i in range(1000)
    ]
    assert [len(wave) for wave in waves(many)] == [1, 999]
    assert Counted.asked == 1000


@st.composite
def acyclic(draw: st.DrawFn) -> list[Service]:
    """Up to twelve services that depend on earlier ones, shuffled."""
    count = draw(st.integers(0, 12))
    services = [
        svc(f"s{i}", needs=sorted(draw(st.sets(st.integers(0, i - 1).map("s{}".format))) if i else ()))
        for i in range(count)
    ]
    return draw(st.permutations(services))


@settings(max_examples=100, deadline=None)
@given(acyclic())
def test_every_service_once_after_its_parents_whatever_the_order(services: list[Service]) -> None:
    order = waves(services)
    rank = {name: index for index, wave in enumerate(order) for name in wave}
    assert sorted(rank) == sorted(service.name for service in services)
    assert sum(map(len, order)) == len(services)
    assert all(rank[parent] < rank[s.name] for s in services for parent in s.parents)
    assert waves(sorted(services, key=lambda s: s.name)) == order
