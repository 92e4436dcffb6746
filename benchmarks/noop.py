"""Nothing to do: the pass inside the process, the whole process, and its memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median

from benchmarks import bed
from benchmarks.figures import Figure, alternating, ratio, seconds, spread
from benchmarks.listing import listing
from benchmarks.passes import living
from benchmarks.stack import Stack, service, stack
from reconciler.domain.report import Result


def measure(runs: int, services: int) -> Iterator[Figure]:
    """Five figures, from two stacks."""
    image = bed.build("benchmark/idle", "1", bed.IDLE)
    for count in (services, 5):
        names = [f"s{number:03d}" for number in range(count)]
        with stack("".join(service(n, image.tag) for n in names), dict.fromkeys(names, image.pin)) as made:
            made.up()
            made.reconcile()
            yield from _large(made, runs, count) if count != 5 else _small(made, runs)


def _large(made: Stack, runs: int, count: int) -> Iterator[Figure]:
    ours, theirs = [], []
    for _ in range(runs):
        ours.append(made.reconcile())
        theirs.append(made.up())
    up = [cost.seconds for cost in theirs]
    passes, lists = alternating(max(runs, 50), seconds(_pass(made)), seconds(listing(made.project)))
    yield ratio(f"no-op pass, {count} services", passes, lists, 1.3, "the engine's list call")
    faster = median(up) / median(passes)
    detail = f"{spread(passes)} / {spread(up)}"
    yield Figure(
        "no-op pass, and compose up -d", "≥ 10 x faster than it", f"{faster:.0f} x", detail, faster >= 10
    )
    whole = [cost.seconds for cost in ours]
    yield ratio(f"--once, no-op, {count} services", whole, up, 0.8, "compose up -d")
    peak, other = median(c.peak_mib for c in ours), median(c.peak_mib for c in theirs)
    detail = f"{peak:.0f} MiB / {other:.0f} MiB"
    yield Figure(
        f"peak memory, {count} services",
        "≤ 1.3 x compose up -d",
        f"{peak / other:.2f} x",
        detail,
        peak <= 1.3 * other,
    )


def _small(made: Stack, runs: int) -> Iterator[Figure]:
    ours, up = alternating(runs, lambda: made.reconcile().seconds, lambda: made.up().seconds)
    above = (median(ours) - median(up)) * 1000
    detail = f"{spread(ours)} / {spread(up)}"
    yield Figure(
        "--once, no-op, 5 services", "≤ compose up -d + 350 ms", f"{above:+.0f} ms", detail, above <= 350
    )


def _pass(made: Stack) -> Callable[[], None]:
    """One pass of a reconciler that lives on, as in ``watch``; it must find nothing to do."""
    reconciler = living(made)

    def run() -> None:
        report = reconciler.run_once()
        if report.result is not Result.NO_OP:
            raise RuntimeError(f"there was something to do, or it failed: {report}")

    run()
    return run
