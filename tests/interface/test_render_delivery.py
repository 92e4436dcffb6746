"""The figures of releases as people see them."""

from __future__ import annotations

from datetime import timedelta

from reconciler.domain.delivery import Delivery
from reconciler.interface.render.delivery_text import delivery_object, delivery_table, delivery_text
from tests.interface import values as v

SINCE = v.AT - timedelta(days=90)
MANY = Delivery(SINCE, v.AT, 41, 3, (50.0, 62.0, 300.0), (300.0, 370.0, 900.0))
NONE = Delivery(SINCE, v.AT, 0, 0)


def test_a_line_for_people() -> None:
    assert delivery_text({"production": MANY}) == (
        "releases 41 (3.2/week) · change failure rate 7.3% (3) · time to restore 1m02s median · "
        "lead time 6m10s median (commit → good)"
    )
    assert delivery_text({"a": MANY, "b": NONE}).splitlines()[1] == (
        "b: releases 0 (0.0/week) · change failure rate - (0) · time to restore - median · "
        "lead time - median (commit → good)"
    )


def test_a_table() -> None:
    assert delivery_table({"produc|tion": MANY, "b": NONE}).splitlines()[2:] == [
        f"| produc\\|tion | {SINCE:%Y-%m-%d} | 41 | 3.2 | 3 | 7.3% | 1m02s | 6m10s |",
        f"| b | {SINCE:%Y-%m-%d} | 0 | 0.0 | 0 | - | - | - |",
    ]


def test_as_data() -> None:
    assert delivery_object(MANY) | {"since": "", "until": ""} == {
        "since": "",
        "until": "",
        "releases": 41,
        "releases_per_week": 3.19,
        "rolled_back": 3,
        "change_failure_rate": 0.0732,
        "time_to_restore_seconds": 62.0,
        "lead_time_seconds": 370.0,
    }
