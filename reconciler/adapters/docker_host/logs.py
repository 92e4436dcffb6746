"""What a container wrote, as far as people want to see it in a report."""

from __future__ import annotations

from datetime import datetime

from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.lifecycle import brief

MOST_BYTES = 64 * 1024
MOST_LINES = 1000  # the engine's answer comes whole, and one line of it can have 16 KiB


def logs(connection: Connection, container: str, lines: int, since: datetime | None = None) -> str:
    """The last ``lines`` lines of both streams, at most 64 KiB, control characters as they are.

    Empty where the container is gone, or its logging driver keeps nothing to read.

    Args:
        connection: the engine.
        container: id or name.
        lines: how many, at most 1000.
        since: only those written at this moment or later, to the microsecond; by the engine's clock.
    """
    from docker.errors import APIError

    # Not as it is: the SDK cuts a datetime to whole seconds.
    moment = None if since is None else since.timestamp()
    with connection.asked(f"read the logs of container {brief(container)}") as client:
        try:
            written = client.logs(container, tail=min(lines, MOST_LINES), since=moment)
        except APIError as error:
            if error.status_code == 404 or "does not support reading" in str(error.explanation):
                return ""
            raise
    if len(written) > MOST_BYTES:
        written = written[-MOST_BYTES:].partition(b"\n")[2] or written[-MOST_BYTES:]
    return written.decode(errors="replace")
