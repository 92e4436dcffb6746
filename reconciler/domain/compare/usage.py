"""Memory and processor time of containers: growth, use of the limit, and both against the predecessor's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from reconciler.domain.check import Cpu, Memory
from reconciler.domain.compare.slope import grows, slope
from reconciler.domain.comparison import Comparison, Measures, Reading
from reconciler.domain.gate import Evidence

FEWEST_READINGS = 5
SHORTEST_SECONDS = 3.0
HORIZON = 60.0
"""How many times its own length an observation foretells: five seconds say nothing about an hour."""
MIB = 1 << 20
LEAST_TREND = 8 * MIB
LEAST_TREND_SHARE = 0.05
LEAST_MEMORY = 16 * MIB
"""A smaller difference to the predecessor is not worse, whatever its share."""
LEAST_CPUS = 0.1
SHOWN = 3

Runs = Mapping[str, Sequence[Reading]]


def memory(question: Memory, before: Measures | None, now: Measures) -> Comparison:
    """Compare the memory of each container.

    Args:
        question: how much growth, and what part of the limit is too much.
        before: measured on the predecessor; None where nothing could be.
        now: measured on the successor.
    """
    old = {name: _typical(run) for name, run in _runs(before.readings if before else ()).items()}
    found = [
        _too_big(question, name, run, old) or _filling(question, name, run)
        for name, run in _runs(now.readings).items()
    ]
    return _worst(question.services, now, found, compared=bool(old))


def cpu(question: Cpu, before: Measures | None, now: Measures) -> Comparison:
    """Compare the processor time that each container takes.

    Args:
        question: how much more, and what part of what it may use is too much.
        before: measured on the predecessor; None where nothing could be.
        now: measured on the successor.
    """
    shares = {name: _share(run) for name, run in _runs(before.readings if before else ()).items()}
    old = {name: share for name, share in shares.items() if share is not None}
    found = [_too_busy(question, name, run, old) for name, run in _runs(now.readings).items()]
    return _worst(question.services, now, found, compared=bool(old))


def _too_big(
    question: Memory, name: str, run: Sequence[Reading], old: Mapping[str, float]
) -> Comparison | None:
    """What is wrong by size alone; it needs no history."""
    used, limit = median(one.usage.memory_bytes for one in run[-3:]), run[-1].usage.memory_limit_bytes
    if limit and used > question.limit * limit:
        return _bad(f"{name} uses {100 * used / limit:.0f} % of its limit of {_mib(limit)}")
    typical, usual = _typical(run), _usual(name, old)
    if usual is not None and typical > (1 + question.growth) * usual and typical - usual > LEAST_MEMORY:
        return _bad(f"{name} uses {_mib(typical)}, {_more(typical, usual)} than before ({_mib(usual)})")
    return None


def _filling(question: Memory, name: str, run: Sequence[Reading]) -> Comparison:
    """Whether it grows so that it is full too soon.

    What has just started grows for a while and then no more: the later half must grow as fast as the whole.
    """
    seconds = run[-1].at_seconds - run[0].at_seconds
    if len(run) < FEWEST_READINGS or seconds < SHORTEST_SECONDS:
        return Comparison(Evidence.NONE, f"{name}: too few readings, {len(run)} in {seconds:.0f} s")
    points = [(one.at_seconds, float(one.usage.memory_bytes)) for one in run]
    speed = min(slope(points), slope(points[len(points) // 2 :]))
    first, last, limit = points[0][1], points[-1][1], run[-1].usage.memory_limit_bytes
    shown = f"{name} uses {_mib(last)}"
    rise = speed * seconds
    if speed <= 0 or rise <= min(LEAST_TREND, LEAST_TREND_SHARE * first) or not grows(points):
        return Comparison(Evidence.GOOD, shown)
    trend = f"grows by {_speed(speed)}"
    if not limit:
        return Comparison(Evidence.GOOD, f"{shown} and {trend}, without a limit of its own")
    left = max(0.0, (limit - last) / speed)
    detail = f"{name} {trend}, full in {_while(left)}"
    soon = left < min(question.full_within_seconds, HORIZON * seconds)
    return Comparison(Evidence.BAD if soon else Evidence.GOOD, detail)


def _too_busy(question: Cpu, name: str, run: Sequence[Reading], old: Mapping[str, float]) -> Comparison:
    """What is wrong both over all and over the later half: a start alone takes much, too."""
    seconds = run[-1].at_seconds - run[0].at_seconds
    whole, half = _share(run), _share(run[len(run) // 2 :])
    if whole is None or half is None or seconds < SHORTEST_SECONDS:
        return Comparison(Evidence.NONE, f"{name}: too few readings, {len(run)} in {seconds:.0f} s")
    used, cpus, usual = min(whole, half), run[-1].usage.cpus, _usual(name, old)
    shown = f"{name} uses {used:.2f} cpus"
    if cpus and used > question.limit * cpus:
        return _bad(f"{shown}, {100 * used / cpus:.0f} % of the {cpus:g} that it may use")
    if usual is not None and used > (1 + question.growth) * usual and used - usual > LEAST_CPUS:
        return _bad(f"{shown}, {_more(used, usual)} than before ({usual:.2f})")
    return Comparison(Evidence.GOOD, shown)


def _worst(
    services: Iterable[str], now: Measures, found: Sequence[Comparison], *, compared: bool
) -> Comparison:
    """The first that is bad; without one, what is not known; a pass only where everything is good."""
    measured = {_service(one.container) for one in now.readings}
    missing = [name for name in services if name not in measured]
    order = (Evidence.BAD, Evidence.NONE, Evidence.GOOD)
    unknown = [Comparison(Evidence.NONE, f"{name}: nothing could be measured") for name in missing]
    everything = sorted([*found, *unknown], key=lambda one: order.index(one.evidence))
    if not everything:
        return Comparison(Evidence.NONE, "nothing could be measured")
    first = everything[0]
    if first.evidence is not Evidence.GOOD:
        return first
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    waived = "" if compared else "; not compared: nothing ran before"
    return Comparison(Evidence.GOOD, "; ".join(one.detail for one in found[:SHOWN]) + more + waived)


def _runs(readings: Iterable[Reading]) -> dict[str, list[Reading]]:
    """The readings of each container since its last start: its processor time begins at zero again."""
    runs: dict[str, list[Reading]] = {}
    for reading in sorted(readings, key=lambda one: one.at_seconds):
        run = runs.setdefault(reading.container, [])
        if run and reading.usage.cpu_seconds < run[-1].usage.cpu_seconds:
            run.clear()
        run.append(reading)
    return runs


def _typical(run: Sequence[Reading]) -> float:
    return float(median(one.usage.memory_bytes for one in run))


def _share(run: Sequence[Reading]) -> float | None:
    """How many processors it keeps busy; None where the readings are too few."""
    seconds = run[-1].at_seconds - run[0].at_seconds
    return (run[-1].usage.cpu_seconds - run[0].usage.cpu_seconds) / seconds if seconds >= 0.5 else None


def _usual(name: str, old: Mapping[str, float]) -> float | None:
    """What the predecessor took; where none had this number, the greatest of the same service."""
    same = [used for other, used in old.items() if _service(other) == _service(name)]
    return old.get(name, max(same, default=None))


def _service(container: str) -> str:
    """``web-2`` is of ``web``."""
    return container.rpartition("-")[0] or container


def _bad(detail: str) -> Comparison:
    return Comparison(Evidence.BAD, detail)


def _more(now: float, before: float) -> str:
    return f"{100 * (now / before - 1):.0f} % more" if before else "more"


def _mib(size: float) -> str:
    return f"{size / MIB:.0f} MiB"


def _speed(speed: float) -> str:
    return f"{speed / MIB:.1f} MiB/s" if speed >= 0.1 * MIB else f"{60 * speed / MIB:.1f} MiB/min"


def _while(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
