"""A port that nobody has, and that the engine does not give away.

An engine that is killed within about 0.1 s of starting a container that publishes a port keeps that port
allocated, until it is restarted once more (measured with 20.10). It says the same as of a port that another
container has; a process that listens is reported in other words. So whether a container has it tells one
from the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.errors import HostConflict

_ALLOCATED = re.compile(r"Bind for \S*:(\d+) failed: port is already allocated")


def explained(error: HostConflict, published: Iterable[str]) -> HostConflict:
    """``error``, or the same with what is to be done where the engine itself is in the way.

    Args:
        error: why a container could not be started.
        published: what running containers publish, as ``address:number/protocol``.
    """
    found = _ALLOCATED.search(error.problem)
    if found is None or found[1] in {_number(one) for one in published}:
        return error
    why = f"no running container has port {found[1]}, the engine itself kept it: restart the engine"
    return HostConflict(f"{error.problem}; {why}", hint="For instance: systemctl restart docker")


def _number(published: str) -> str:
    return published.partition("/")[0].rpartition(":")[2]
