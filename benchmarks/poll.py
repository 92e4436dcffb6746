"""A client of a published port that asks a thousand times a second, until SIGTERM and one more good answer.

``poll.py PORT``: every request is a new connection. It says what it saw as JSON: ``gap`` is the longest time
between two good answers. The pause of a millisecond leaves the machine's cores to what is measured. A request
that hangs (docker-proxy accepts for a container that is going) is given up soon, or it would be the gap.
"""

import json
import signal
import socket
import sys
import time

PATIENCE_SECONDS = 20
REQUEST_SECONDS = 0.05

port = int(sys.argv[1])
going = True


def stop(*_: object) -> None:
    global going
    going = False


def answered() -> bool:
    """One request; whether it was answered well."""
    try:
        with socket.create_connection(("127.0.0.1", port), REQUEST_SECONDS) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


signal.signal(signal.SIGTERM, stop)
requests = failures = 0
gap = 0.0
good = False
last = time.monotonic()
while (going or not good) and time.monotonic() - last < PATIENCE_SECONDS:
    good = answered()
    now = time.monotonic()
    requests += 1
    failures += not good
    if good and requests - failures == 1:
        print("ready", flush=True)
    elif good:
        gap = max(gap, now - last)
    last = now if good else last
    time.sleep(0.001)
print(json.dumps({"requests": requests, "failures": failures, "gap": gap}))
