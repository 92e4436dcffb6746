"""T-4: bad versions of several kinds are rolled back, each time, and soon; also without any network."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import bed
from benchmarks.child import run
from benchmarks.client import client
from benchmarks.figures import Figure, percentile
from benchmarks.gap import free_port
from benchmarks.passes import Pass, forgive, passed
from benchmarks.stack import Stack, service, stack
from benchmarks.undo import first
from reconciler.domain.report import Result
from reconciler.domain.undo import UndoState
from tests.bed.registry import Registry

MOST_SECONDS = 3.0
SERVED = "test: {http: {url: "
LATER = "& sleep {seconds}; exit 1"


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to be bad: the image's script and Dockerfile lines, and the gate that finds it."""

    name: str
    script: str
    gate: str
    lines: tuple[str, ...] = ()


def kinds(port: int) -> tuple[Kind, ...]:
    """All kinds, for a service at a port. The good version passes each of their gates."""
    versions = f'checks: {{version: {{http: {{url: "http://127.0.0.1:{port}/", match: "^(good|bad)"}}}}}}'
    eat = "sleep 1; eaten=$(printf '%*s' $((64 * 1024 * 1024)) ''); exit 1"
    apart = "(trap '' TERM; {web}) & trap 'exit 0' TERM"
    return (
        Kind("never healthy", bed.JUDGED, "timeout: 30s", ("ENV STATUS=500", bed.HEALTHCHECK)),
        Kind("crash after 5 s", _and_then("sleep 5; exit 1"), "timeout: 30s, soak: 7s"),
        Kind("wrong version", bed.WEB, f"timeout: 30s, {versions}", ("ENV VERSION=0.9",)),
        Kind("out of memory", _and_then(eat), "timeout: 30s, soak: 3s"),
    )
