"""docs/faults.md maps every fault of the catalogue to tests that exist, or to a reason."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAST = {"G": 23, "Y": 17, "R": 17, "E": 22, "H": 16, "K": 8, "C": 7, "D": 8, "X": 5, "T": 3, "N": 3}
LAST |= {"W": 8, "O": 6, "B": 18, "S": 12, "SEC": 23}
"""The last row of each part of the catalogue."""

TESTED = [f"Y-{n:02}" for n in range(1, 18)] + [f"R-{n:02}" for n in range(1, 18) if n != 16]
TESTED += [f"E-{n:02}" for n in range(1, 22)] + [f"G-{n:02}" for n in range(1, 23)]
TESTED += [f"H-{n:02}" for n in range(1, 17)] + ["K-01", "K-02", "K-03", "K-04", "K-06", "X-01", "X-05"]
TESTED += ["K-08", "C-01", "C-02", "C-06", "C-07", "D-07", "T-02", "W-01"]
TESTED += [f"O-{n:02}" for n in range(1, 7)]
TESTED += [f"B-{n:02}" for n in range(1, 19)]
TESTED += [f"SEC-{n:02}" for n in (1, 2, 3, 4, 5, 6, 7, 9, 13, 16, 17, 19, 21, 23)]
"""Rows of what this version has: each takes a test, a reason alone is not enough."""

_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_REASON = re.compile(r"(?:^|>)\s*([A-Z][^<`]{15,})")


def rows() -> dict[str, tuple[str, str]]:
    """Row → what happens, and the tests or the reason."""
    found: dict[str, tuple[str, str]] = {}
    for line in (ROOT / "docs/faults.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"[A-Z]+-\d\d", cells[0]):
            assert len(cells) == 3, line
            assert cells[0] not in found, f"{cells[0]} is there twice"
            found[cells[0]] = (cells[1], cells[2])
    return found


@cache
def functions_of(file: str) -> dict[str, bool]:
    """The test functions of a file, and whether they are marked as long; none where there is no such file."""
    path = ROOT / file
    if not path.is_file():
        return {}
    nodes = ast.walk(ast.parse(path.read_text()))
    tests = [n for n in nodes if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]
    return {n.name: any(ast.unparse(d) == "pytest.mark.long" for d in n.decorator_list) for n in tests}


def test_every_row_of_the_catalogue_is_there() -> None:
    assert set(rows()) == {f"{part}-{n:02}" for part, last in LAST.items() for n in range(1, last + 1)}


@pytest.mark.parametrize("row", rows())
def test_a_row_says_what_happens_and_names_tests_that_exist_or_a_reason(row: str) -> None:
    happens, evidence = rows()[row]
    assert happens
    named = _TEST.findall(evidence)
    assert named or _REASON.search(evidence), f"{row} has neither test nor reason"
    missing = [f"{file}::{test}" for file, test in named if test not in functions_of(file)]
    assert not missing, f"{row} names tests that do not exist"
    assert evidence.count("::") == len(named), f"{row} names something that is not a test"


@pytest.mark.parametrize("row", rows())
def test_not_all_tests_of_a_row_are_left_to_the_long_run(row: str) -> None:
    named = _TEST.findall(rows()[row][1])
    assert not named or not all(functions_of(file).get(test) for file, test in named)


@pytest.mark.parametrize("row", TESTED)
def test_a_fault_of_what_there_is_has_a_test(row: str) -> None:
    assert _TEST.search(rows()[row][1])
