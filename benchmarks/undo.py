"""A rejected release: from the sample that decides to the first good answer of the predecessor."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext

from docker.api.client import APIClient

from benchmarks import bed
from benchmarks.client import client
from benchmarks.figures import Figure, alternating, ratio
from benchmarks.gap import free_port
from benchmarks.neighbours import impatient
from benchmarks.passes import forgive, passed
from benchmarks.stack import Stack, service, stack
from reconciler.domain.report import Result


def measure(runs: int, _services: int) -> Iterator[Figure]:
    """Ours and stop + start by hand of two such containers, as it is and without the kernel's second."""
    good = bed.build("benchmark/web", "good", bed.JUDGED)
    bad = bed.build("benchmark/web", "bad", bed.JUDGED, "ENV STATUS=500")
    port, other = free_port(), free_port()
    published = f'ports: ["127.0.0.1:{port}:8080"]'
    pair = "".join(
        service(name, image.tag, f'ports: ["127.0.0.1:{other}:8080"]')
        for name, image in (("good", good), ("bad", bad))
    )
    with (
        stack(service("web", good.tag, published), {"web": good.pin}, settings(port)) as made,
        stack(pair, {"good": good.pin, "bad": bad.pin}) as by_hand,
    ):
        made.reconcile()
        made.commit({"web": bad.pin})
        by_hand.compose("create")
        ways = (_ours(made, port), _by_hand(by_hand, other))
        for name, kernel in (
            ("back after the verdict", nullcontext()),
            ("the same, impatient kernel", impatient(made, by_hand)),
        ):
            with kernel:
                ours, hand = alternating(runs, *ways)
            yield ratio(name, ours, hand, 1.3, "stop + start by the API")


def settings(port: int, git: str = "off") -> tuple[str, ...]:
    """A gate that asks the web server whether it is healthy."""
    url = f"http://127.0.0.1:{port}{bed.HEALTH}"
    return (
        f'gate: {{timeout: 30s, soak: 0s, checks: {{web: {{http: {{url: "{url}"}}}}}}}}',
        f"rollback: {{git: {git}}}",
    )


def first(seen: list[tuple[float, str]], text: str, since: float) -> float:
    """When ``text`` began to be answered, after ``since``.

    Raises:
        RuntimeError: it was not.
    """
    for at, answer in seen:
        if at >= since and answer == text:
            return at
    raise RuntimeError(f"{text} did not answer: {seen}")


def _ours(made: Stack, port: int) -> Callable[[], float]:
    def seconds() -> float:
        forgive(made)
        with client("follow.py", str(port), "/") as seen:
            done = passed(made, Result.ROLLED_BACK)
        return first(seen["seen"], "good", done.verdict_at) - done.verdict_at

    return seconds


def _by_hand(made: Stack, port: int) -> Callable[[], float]:
    engine = APIClient(base_url=os.environ["DOCKER_HOST"], version="auto")
    engine.trust_env = False
    good, bad = made.container("good"), made.container("bad")

    def seconds() -> float:
        engine.stop(good, timeout=10)
        engine.start(bad)
        with client("follow.py", str(port), "/") as seen:
            time.sleep(1.5)  # until it answers, the kernel's second included
            began = time.monotonic()
            engine.stop(bad, timeout=10)
            engine.start(good)
            time.sleep(1.5)
        return first(seen["seen"], "good", began) - began

    return seconds
