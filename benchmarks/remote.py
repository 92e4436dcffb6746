"""A repository that the daemon keeps itself: how soon it begins after a push, and what polling costs."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import bed
from benchmarks.child import run
from benchmarks.daemon import Daemon, watching
from benchmarks.figures import Figure
from benchmarks.stack import Stack, service, stack
from tests.bed.git_server import GitServer, Part

PUSHES = 20
POLL_SECONDS = 3.0
STILL_SECONDS = 30.0
WATCH = """\
version: 1
repository: {{url: "{url}", branch: main, path: state}}
poll: {poll:g}s
"""


@dataclass(frozen=True, slots=True)
class Remote:
    """The stack's repository with a remote behind HTTP, and the daemon that follows it."""

    made: Stack
    server: GitServer
    daemon: Daemon


def measure(runs: int, _services: int) -> Iterator[Figure]:
    """Pushes at moments that have nothing to do with the polling; then nothing for a while."""
    with _remote() as remote:
        yield _pushes(remote, max(runs, PUSHES))
        yield _still(remote)


def _pushes(remote: Remote, count: int) -> Figure:
    """From the moment at which git had pushed to the line that says that a pass begins."""
    took = [_push(remote) / POLL_SECONDS for _ in range(count)]
    detail = f"median {median(took):.2f} x of {count}; polled every {POLL_SECONDS:g} s"
    return Figure(
        "remote commit → pass begins",
        "≤ 1 x the interval of polling",
        f"{max(took):.2f} x",
        detail,
        max(took) <= 1,
    )


def _push(remote: Remote) -> float:
    time.sleep(random.uniform(0, POLL_SECONDS))
    remote.made.commit({})
    before = time.monotonic()
    run("git", "push", "--quiet", "origin", "main", folder=remote.made.folder)
    pushed = time.monotonic()
    begun = remote.daemon.await_said("pass_begun", before, causes=["commit"])
    remote.daemon.await_said("pass_ended", begun.at, result="no-op")
    return begun.at - pushed


def _still(remote: Remote) -> Figure:
    """What the server is asked while nothing moves.

    ``git ls-remote`` is two requests: one for what the server can do, one for its branches. A fetch would be
    more of the second kind.
    https://git-scm.com/docs/protocol-v2
    """
    seen = len(remote.server.seen)
    time.sleep(STILL_SECONDS)
    asked = Counter(remote.server.seen[seen:])
    polls = asked[Part.OFFER_FETCH]
    most = STILL_SECONDS / POLL_SECONDS / 0.8 + 1
    others = asked.total() - polls - asked[Part.FETCH]
    met = 0 < polls <= most and asked[Part.FETCH] <= polls and not others
    detail = f"{asked.total()} requests for {polls} polls in {STILL_SECONDS:.0f} s"
    return Figure(
        "asked while nothing moved", "ls-remote alone", "ls-remote" if met else f"{dict(asked)}", detail, met
    )


@contextmanager
def _remote() -> Iterator[Remote]:
    image = bed.build("benchmark/idle", "1", bed.IDLE)
    with stack(service("web", image.tag), {"web": image.pin}) as made:
        made.reconcile()
        bare, config = made.folder / ".git" / "origin.git", made.folder / ".git" / "watch.yaml"
        run("git", "clone", "--quiet", "--bare", made.folder, bare)
        run("git", "config", "http.receivepack", "true", folder=bare)
        with GitServer(bare.parent, dict(os.environ)) as server:
            run("git", "remote", "add", "origin", server.url(bare.name), folder=made.folder)
            config.write_text(WATCH.format(url=server.url(bare.name), poll=POLL_SECONDS))
            with watching(Path("/"), "--config", str(config)) as daemon:
                yield Remote(made, server, daemon)
