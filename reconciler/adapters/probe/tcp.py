"""Whether something accepts connections."""

from __future__ import annotations

import socket
from time import perf_counter

from reconciler.adapters.probe.deadline import Deadline
from reconciler.adapters.probe.dial import dial
from reconciler.adapters.probe.secrets import Secrets
from reconciler.adapters.probe.trouble import seen_instead
from reconciler.adapters.probe.unaskable import Unaskable
from reconciler.domain.check import Tcp
from reconciler.domain.comparison import Seen
from reconciler.domain.gate import Evidence

HANG_UP_SECONDS = 0.05


def look(question: Tcp, seconds: float, secrets: Secrets) -> Seen:
    """What connecting comes to, within ``seconds``."""
    deadline = Deadline.after(seconds)
    try:
        host = secrets.fill(question.host)
        if not host or not 0 < question.port < 65536:
            raise Unaskable("the address is not valid")
        start = perf_counter()
        with dial(host, question.port, deadline) as connection:
            took = perf_counter() - start
            if _hung_up(connection, min(HANG_UP_SECONDS, deadline.left())):
                return Seen(Evidence.UNREADY, "the connection was closed at once")
        return Seen(Evidence.GOOD, "accepts connections", took)
    except UnicodeError:  # a host name with an empty or endless part
        return Seen(Evidence.NONE, "the address is not valid")
    except (Unaskable, OSError) as error:
        return seen_instead(error, deadline, secrets)


def _hung_up(connection: socket.socket, seconds: float) -> bool:
    """Whether the other side closes at once.

    Docker's proxy for published ports accepts every connection, and closes it when nothing listens in the
    container: without this, a port would be good as soon as there is a container.
    """
    connection.settimeout(seconds)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False
