"""A client that asks a port a thousand times a second, until SIGTERM; it says what answered, and when.

``follow.py PORT PATH``: every request is a new connection. In its JSON, ``seen`` are pairs of a time on the
monotonic clock, which all processes share, and the text of the good answers from then on, empty where there
was none. A request that hangs (docker-proxy accepts for a container that is going) is given up soon. After
SIGTERM it waits some seconds more for an answer, where there is none.
"""

import json
import signal
import socket
import sys
import time

PATIENCE_SECONDS = 5.0
REQUEST_SECONDS = 0.05

port, path = int(sys.argv[1]), sys.argv[2]
going = True


def stop(*_: object) -> None:
    global going
    going = False


def answer() -> str:
    """The text of one good answer, or nothing."""
    received = b""
    try:
        with socket.create_connection(("127.0.0.1", port), REQUEST_SECONDS) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            while chunk := connection.recv(4096):
                received += chunk
    except OSError:
        return ""
    head, _, body = received.partition(b"\r\n\r\n")
    return body.decode().strip() if b" 200 " in head[:64] else ""


signal.signal(signal.SIGTERM, stop)
seen: list[tuple[float, str]] = []
requests = failures = 0
text = ""
give_up = 0.0
print("ready", flush=True)
while going or (not text and time.monotonic() < give_up):
    text = answer()
    give_up = time.monotonic() + PATIENCE_SECONDS if going else give_up
    requests += 1
    failures += not text
    if not seen or seen[-1][1] != text:
        seen.append((time.monotonic(), text))
    time.sleep(0.001)
print(json.dumps({"requests": requests, "failures": failures, "seen": seen}))
