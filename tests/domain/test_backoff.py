"""Waits that grow."""

from __future__ import annotations

import pytest

from reconciler.domain.backoff import Backoff


def test_waits_double_up_to_the_longest() -> None:
    waits = [Backoff(0.2, 10).after(failures, 1.0) for failures in range(1, 9)]
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]


def test_chance_decides_about_half_of_a_wait() -> None:
    assert [Backoff(30, 600).after(1, chance) for chance in (0.0, 0.5, 1.0)] == [15, 22.5, 30]


@pytest.mark.parametrize("failures", [1, 60, 10_000])
def test_after_any_number_of_failures_there_is_a_wait(failures: int) -> None:
    assert 0 < Backoff(0.2, 10).after(failures, 0.0) <= 10
