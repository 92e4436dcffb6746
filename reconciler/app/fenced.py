"""The engine and Compose as a pass may use them: nothing is changed but under a lease that is still ours.

A process may be stopped for a minute between any two lines (SIGSTOP, a suspended machine), and somebody else
may have taken the environment over meanwhile. So the lease is looked at before each change.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from reconciler.app.guarded import guarded
from reconciler.app.host import Host
from reconciler.ports import Lease

CHANGES = (
    "engine.pull",
    "engine.succeed",
    "engine.start",
    "engine.stop",
    "engine.set_restart_policy",
    "engine.rename",
    "engine.remove",
    "engine.tag",
    "engine.untag",
    "compose.create",
    "compose.create_templates",
)
"""All that is changed on a host. The commands of ``exec`` checks are the user's own, and not fenced."""


def fenced(host: Host, lease: Lease) -> Host:
    """The same host, whose engine and Compose change nothing once ``lease`` is lost.

    Every method that changes something may then raise ``LeaseLost`` as well.
    """

    @contextmanager
    def guard(change: str) -> Iterator[None]:
        lease.check()
        host.failpoint(f"{change}:before")
        yield
        host.failpoint(f"{change}:after")

    return replace(
        host,
        engine=guarded(host.engine, "engine", CHANGES, guard),
        compose=guarded(host.compose, "compose", CHANGES, guard),
    )
