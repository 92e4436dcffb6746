"""The engine and Compose as a pass may use them: nothing is changed but under a lease that is still ours.

A process may be stopped for a minute between any two lines (SIGSTOP, a suspended machine), and somebody else
may have taken the environment over meanwhile. So the lease is looked at before each change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from reconciler.app.guarded import Guard, guarded
from reconciler.app.host import Host
from reconciler.ports import Documents, Lease, SearchServer

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
    "hooks.run",
)
"""All that is changed on a host. The commands of ``exec`` checks are the user's own, and not fenced."""

DATA_CHANGES = (
    "documents.create",
    "documents.delete",
    "documents.replicate",
    "documents.write",
    "documents.set_security",
    "documents.set_note",
)
"""All that is changed in a document database."""

SEARCH_CHANGES = ("search.create", "search.remove", "search.swap")
"""All that is changed in a search server."""


def fenced(host: Host, lease: Lease) -> Host:
    """The same host, whose engine, Compose and hooks change nothing once ``lease`` is lost.

    Every method that changes something may then raise ``LeaseLost`` as well.
    """
    guard = _fence(host, lease.check)
    return replace(
        host,
        engine=guarded(host.engine, "engine", CHANGES, guard),
        compose=guarded(host.compose, "compose", CHANGES, guard),
        hooks=guarded(host.hooks, "hooks", CHANGES, guard),
        fence=lease.check,
    )


def fenced_documents(documents: Documents, host: Host) -> Documents:
    """The same databases, in which nothing is changed once the lease of a fenced ``host`` is lost."""
    return guarded(documents, "documents", DATA_CHANGES, _fence(host, host.fence))


def fenced_search(server: SearchServer, host: Host, lease: Lease) -> SearchServer:
    """The same search server, in which nothing is changed once ``lease`` is lost, with failpoints."""
    return guarded(server, "search", SEARCH_CHANGES, _fence(host, lease.check))


def _fence(host: Host, check: Callable[[], None]) -> Guard:
    """What stands around each change: ``check`` raises where the environment is not ours any more."""

    @contextmanager
    def guard(change: str) -> Iterator[None]:
        check()
        host.failpoint(f"{change}:before")
        yield
        host.failpoint(f"{change}:after")

    return guard
