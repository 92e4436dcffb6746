"""T-3: what clients see of many releases, of which some are rolled back and some cannot even be pulled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import cycle

from benchmarks import bed
from benchmarks.child import run
from benchmarks.client import client
from benchmarks.figures import Figure
from benchmarks.gap import START_FIRST, free_port
from benchmarks.neighbours import impatient
from benchmarks.passes import forgive, passed
from benchmarks.stack import Stack, service, stack
from benchmarks.undo import settings
from reconciler.domain.report import Result

KINDS = ("2", "bad", "1", "gone", "2", "dying", "1")
"""What is released in turn, after 1; some are rolled back, one fails before anything is touched."""
EXPECTED = {"bad": Result.ROLLED_BACK, "dying": Result.ROLLED_BACK, "gone": Result.FAILED}
USUAL_GAP_SECONDS, LONGEST_GAP_SECONDS = 0.5, 2.0
INSIDE = (
    "gate: {timeout: 3s, checks: {web: {exec: {service: web, command: "
    f'[wget, -q, -O, /dev/null, "http://127.0.0.1:8080{bed.HEALTH}"]}}}}}}}}'
)


def measure(count: int) -> Iterator[Figure]:
    """``count`` releases of each kind of service."""
    pins = _pins()
    yield _network(pins, count)
    port = free_port()
    published = f'ports: ["127.0.0.1:{port}:8080"]'
    with stack(service("web", _tag(pins["1"]), published), {"web": pins["1"]}, settings(port)) as made:
        made.reconcile()
        for name, kernel in (("", nullcontext()), (", impatient kernel", impatient(made))):
            with kernel:
                yield from _published(made, pins, port, count, name)


def _pins() -> dict[str, str]:
    """The images: good ones, and those of which each fails in its way."""
    lines = {"bad": ["ENV STATUS=500"]}
    pins = {
        tag: bed.build("benchmark/web", tag, bed.JUDGED, *lines.get(tag, [])).pin for tag in ("1", "2", "bad")
    }
    dying = f"{bed.JUDGED.removesuffix('& wait')}& sleep 0.3; exit 1"
    pins["dying"] = bed.build("benchmark/web", "dying", dying).pin
    pins["gone"] = pins["1"].partition("@")[0].replace(":1", ":gone") + f"@sha256:{'0' * 64}"
    return pins


def _tag(pin: str) -> str:
    return pin.partition("@")[0]


def _release(made: Stack, pins: dict[str, str], kind: str) -> None:
    forgive(made)
    made.commit({"web": pins[kind]})
    passed(made, EXPECTED.get(kind, Result.CONVERGED))


def _network(pins: dict[str, str], count: int) -> Figure:
    """Start-first, and a client in the same network that resolves the service's name for each request."""
    services = service("web", _tag(pins["1"]), START_FIRST) + service("client", _tag(pins["1"]))
    requests = failed = 0
    with stack(services, {"web": pins["1"]}, (INSIDE, "rollback: {git: off}")) as made:
        made.reconcile()
        process = run("docker", "inspect", "--format", "{{.State.Pid}}", made.container("client")).strip()
        kinds = _kinds(count)
        for kind in kinds:
            with client("inside.py", "web", "8080", within=process) as seen:
                _release(made, pins, kind)
            requests, failed = requests + int(seen["requests"]), failed + int(seen["failures"])
    found = f"{failed} of {requests:,}"
    return Figure("T-3 alias, start-first", "0 failed requests", found, _counted(kinds), not failed)


def _published(made: Stack, pins: dict[str, str], port: int, count: int, name: str) -> Iterator[Figure]:
    """Stop-first, and a client of the published port."""
    gaps: list[float] = []
    untouched = lost = 0
    kinds = _kinds(count)
    for kind in kinds:
        with client("poll.py", str(port)) as seen:
            _release(made, pins, kind)
        if kind == "gone":
            untouched, lost = untouched + 1, lost + int(seen["failures"])
        else:
            gaps.append(seen["gap"])
    middle, longest = sorted(gaps)[len(gaps) // 2], max(gaps)
    met = middle <= USUAL_GAP_SECONDS and longest <= LONGEST_GAP_SECONDS
    figure = f"p50 {middle:.2f}, max {longest:.2f} s"
    yield Figure(f"T-3 port{name}", "p50 ≤ 0.5 s, max ≤ 2 s", figure, _counted(kinds), met)
    if untouched:
        target, found = "0 failed requests", f"{lost}"
        yield Figure(f"T-3 cannot be pulled{name}", target, found, f"{untouched} releases", not lost)


def _kinds(count: int) -> list[str]:
    turn = cycle(KINDS)
    return [next(turn) for _ in range(count)]


def _counted(kinds: list[str]) -> str:
    back = sum(1 for kind in kinds if EXPECTED.get(kind) is Result.ROLLED_BACK)
    gone = kinds.count("gone")
    return f"{len(kinds)} releases, {back} rolled back, {gone} that cannot be pulled"
