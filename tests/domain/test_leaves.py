"""Leaves of whole databases: whether a copy is whole, and what a restore has to look at."""

from __future__ import annotations

from reconciler.domain.documents import Leaves
from reconciler.domain.leaves import digest_of, suspects, unlike

BEFORE: Leaves = {"a": frozenset({"1-a"}), "b": frozenset({"2-b", "2-c"}), "gone": frozenset({"1-g"})}


def test_a_copy_has_exactly_what_nobody_wrote_to() -> None:
    assert unlike(BEFORE, BEFORE, BEFORE) == ()
    assert unlike(BEFORE, BEFORE, {**BEFORE, "b": frozenset({"2-b"})}) == ("b",)
    assert unlike(BEFORE, BEFORE, {"a": BEFORE["a"]}) == ("b", "gone")


def test_what_was_written_meanwhile_is_there_in_one_way_or_the_other() -> None:
    after = {**BEFORE, "a": frozenset({"2-a"}), "new": frozenset({"1-n"})}
    assert unlike(BEFORE, after, BEFORE) == ()
    assert unlike(BEFORE, after, after) == ()
    assert unlike(BEFORE, after, {**BEFORE, "a": frozenset({"7-between"})}) == ()
    assert unlike(BEFORE, after, {k: v for k, v in BEFORE.items() if k != "a"}) == ("a",)


def test_what_was_purged_meanwhile_may_be_there_or_not() -> None:
    after = {k: v for k, v in BEFORE.items() if k != "gone"}
    assert unlike(BEFORE, after, BEFORE) == unlike(BEFORE, after, after) == ()


def test_what_nobody_wrote_there_must_not_be_there() -> None:
    assert unlike(BEFORE, BEFORE, {**BEFORE, "alien": frozenset({"1-x"})}) == ("alien",)


def test_the_digest_does_not_depend_on_any_order() -> None:
    turned = {document: BEFORE[document] for document in sorted(BEFORE, reverse=True)}
    assert digest_of(turned) == digest_of(BEFORE)
    assert digest_of({**BEFORE, "a": frozenset({"1-b"})}) != digest_of(BEFORE)
    assert digest_of({}) != digest_of({"": frozenset()})


def test_a_restore_looks_at_design_documents_first() -> None:
    live = {**BEFORE, "_design/z": frozenset({"1-z"}), "A": frozenset({"1-y"}), "b": frozenset({"3-b"})}
    del live["gone"]
    assert suspects(BEFORE, live) == ("_design/z", "A", "b", "gone")
