"""T-5: a rejected release is undone in Git by exactly one commit, whatever others push at the same moment."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

from benchmarks.figures import Figure
from reconciler.adapters.clock import SystemClock
from reconciler.adapters.git import GitRepository, Patience
from reconciler.adapters.state_files import YamlStateFiles
from reconciler.app.desired import DesiredState
from reconciler.app.undoing import Undoing
from reconciler.domain.environment import Environment, GitPolicy, Rollback
from reconciler.domain.undo import Undo, UndoState
from reconciler.ports import Compose, Edit
from tests.bed.git_world import PINS, SERVICES, GitWorld, image, pins, with_tag

OURS, *OTHERS = SERVICES
WRITERS = 6
PERSISTENT = Patience(100)
"""Of the writers, each of which may be in the way of every other one, again and again. We have our own."""
ENVIRONMENT = Environment(
    "production",
    "production/compose.pins.yaml",
    "shop",
    ".",
    ("compose.yaml",),
    rollback=Rollback(GitPolicy.PUSH, "main"),
)


def measure(count: int) -> Iterator[Figure]:
    """``count`` releases undone, while six writers move the other pins; then the history is read."""
    with tempfile.TemporaryDirectory(prefix="reconcile-pin-back-") as folder:
        world = GitWorld.new(Path(folder))
        origin = world.origin()
        people = [_open(world, world.clone(origin, f"writer-{n}")) for n in range(WRITERS)]
        clones = [world.clone(origin, "whole"), world.clone(origin, "shallow", "--depth", "1")]
        ours = [_undoing(world, clone) for clone in clones]
        tries = 0
        with ThreadPoolExecutor(WRITERS + 1) as pool:
            for number in range(count):
                people[0].commit([Edit(PINS, with_tag(OURS, f"2.0.{number}"))], "Release", push="main")
                undo = pool.submit(_undo, ours[number % len(ours)], number)
                writing = [pool.submit(_write, one, n, number) for n, one in enumerate(people)]
                tries += undo.result()
                for one in writing:
                    one.result()
        yield from _judged(world, origin, count, tries)


def _open(world: GitWorld, clone: Path) -> GitRepository:
    return GitRepository.discover(clone, environ=world.environ, patience=PERSISTENT, note=lambda _: None)


def _undoing(world: GitWorld, clone: Path) -> Undoing:
    repository = GitRepository.discover(clone, environ=world.environ, note=lambda _: None)
    desired = DesiredState(repository, YamlStateFiles(), cast(Compose, None), "state")
    return Undoing(desired, SystemClock())


def _undo(undoing: Undoing, number: int) -> int:
    """Undo a release; how many attempts it took until Git agreed, as later passes would make them."""
    bad, good = (image(OURS, tag) for tag in (f"2.0.{number}", "1.0.0"))
    undo = Undo(_run(number), "", ((OURS, bad, good),), (f"{OURS} {bad}",), "web: it answers 500")
    while undo.state is UndoState.PENDING:
        undo = undoing.carry_out(ENVIRONMENT, undo)
    if undo.state is not UndoState.DONE:
        raise RuntimeError(f"the release was not undone: {undo}")
    return undo.attempts


def _run(number: int) -> str:
    return f"RUN{number:07d}"


def _write(repository: GitRepository, writer: int, number: int) -> None:
    """Five writers move the other pins of our file, the sixth one writes a file of its own."""
    edit = Edit("README.md", lambda text: f"{text}{number}\n")
    if writer < len(OTHERS):
        edit = Edit(PINS, with_tag(OTHERS[writer], f"3.0.{number}"))
    repository.commit([edit], f"Write {writer}", push="main")


def _judged(world: GitWorld, origin: Path, count: int, tries: int) -> Iterator[Figure]:
    """What the remote holds in the end."""
    trailer = "%(trailers:key=Reconcile-Run,valueonly,separator=%x2C)"
    log = world.git(origin, "log", f"--format=%H {trailer}", "main")
    found: dict[str, list[str]] = {}
    for commit, run in (line.split() for line in log.splitlines() if " " in line.strip()):
        found.setdefault(run, []).append(commit)
    exact = sum(
        1
        for number in range(count)
        if [_one_pin(world, origin, one) for one in found.get(_run(number), ())] == [True]
    )
    detail = f"{WRITERS} writers beside each, half of them from a clone of depth 1, {tries} tries"
    yield Figure(
        "T-5 exactly one commit, one line", "all", f"{exact} of {count}", detail, exact == count == len(found)
    )
    subjects = world.git(origin, "log", "--format=%s", "main").splitlines()
    lost = sum(count - subjects.count(f"Write {writer}") for writer in range(WRITERS))
    last = dict.fromkeys(OTHERS, f"3.0.{count - 1}")
    foreign = world.show(origin, "main", PINS) != pins(**last)
    what = f"{lost} lost, {'other bytes' if foreign else 'no other byte'}"
    detail = f"of {WRITERS * count} commits of the writers"
    yield Figure("T-5 others' writes", "0 lost", what, detail, not lost and not foreign)


def _one_pin(world: GitWorld, origin: Path, commit: str) -> bool:
    """Whether a commit changes nothing but our pin, back to what it was."""
    changed = world.git(origin, "diff-tree", "-r", "--no-commit-id", "--name-only", commit).splitlines()
    patch = world.git(origin, "diff-tree", "-p", "-U0", "--no-commit-id", commit).splitlines()
    lines = [line for line in patch if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    (_, new) = lines if len(lines) == 2 else ("", "")
    return changed == [PINS] and new == f"+    image: {image(OURS, '1.0.0')}"
