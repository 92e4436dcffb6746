"""Exit codes: a tested contract (docs/cli.md), and the only place that knows the numbers."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.domain.report import Report, Result
from reconciler.errors import (
    Failed,
    InvalidSettings,
    InvalidState,
    Locked,
    PermissionRefused,
    ReconcileError,
    Refused,
    Stale,
    Unreachable,
)

OK = 0
FAILED = 1
DIFFERENCES = 2
REJECTED = 10
DEGRADED = 11
ON_PURPOSE = 12
USAGE = 64
INVALID_STATE = 65
UNREACHABLE = 69
BUG = 70
LOCKED = 75
PERMISSION = 77
INVALID_SETTINGS = 78
INTERRUPTED = 130
TERMINATED = 143

WORST_FIRST = (
    TERMINATED,
    INTERRUPTED,
    DEGRADED,
    REJECTED,
    BUG,
    PERMISSION,
    UNREACHABLE,
    INVALID_SETTINGS,
    INVALID_STATE,
    USAGE,
    FAILED,
    LOCKED,
    ON_PURPOSE,
    DIFFERENCES,
    OK,
)

_BY_ERROR: tuple[tuple[type[ReconcileError], int], ...] = (
    (Refused, USAGE),
    (InvalidSettings, INVALID_SETTINGS),
    (InvalidState, INVALID_STATE),
    (Unreachable, UNREACHABLE),
    (PermissionRefused, PERMISSION),
    (Locked, LOCKED),
    (Stale, LOCKED),
    (Failed, FAILED),
)


def of_error(error: ReconcileError) -> int:
    """The code of a failure."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), FAILED)


def of_report(report: Report) -> int:
    """The code of one environment's pass."""
    match report.result:
        case Result.NO_OP | Result.CONVERGED:
            return OK
        case Result.ROLLED_BACK:
            return REJECTED
        case Result.ROLLBACK_FAILED:
            return DEGRADED
        case Result.FAILED:
            return of_error(report.error) if report.error else FAILED


def worst(codes: Iterable[int]) -> int:
    """The most severe of several codes; 0 of none."""
    given = set(codes)
    return next((code for code in WORST_FIRST if code in given), OK)
