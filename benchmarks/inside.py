"""A client inside a Docker network that asks as fast as it can, until SIGTERM; it says what it saw as JSON.

``inside.py NAME PORT``, in the network namespace of a container. As clients do, it asks the network's DNS
for the addresses of NAME with every request, and tries the next address where one does not answer.
"""

import json
import signal
import socket
import struct
import sys
import time

name, port = sys.argv[1], int(sys.argv[2])
going = True


def stop(*_: object) -> None:
    global going
    going = False


def addresses() -> list[str]:
    """The A records of NAME, from Docker's resolver. https://www.rfc-editor.org/rfc/rfc1035#section-4"""
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
        resolver.settimeout(1)
        resolver.connect(("127.0.0.11", 53))
        resolver.send(struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question)
        answer = resolver.recv(1500)
    count = struct.unpack(">H", answer[6:8])[0]
    at = 12 + len(question)
    found = []
    for _ in range(count):
        at = at + 2 if answer[at] >= 0xC0 else answer.index(b"\0", at) + 1
        kind, _, _, length = struct.unpack(">HHIH", answer[at : at + 10])
        if kind == 1:
            found.append(socket.inet_ntoa(answer[at + 10 : at + 10 + length]))
        at += 10 + length
    return found


def answered(address: str) -> bool:
    """One request to one address; whether it was answered well."""
    try:
        with socket.create_connection((address, port), 1) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def request() -> int:
    """How many addresses were tried in vain before one answered; -1 where none did."""
    try:
        for tried, address in enumerate(addresses()):
            if answered(address):
                return tried
    except OSError:
        return -1
    return -1


signal.signal(signal.SIGTERM, stop)
requests = failures = retried = 0
longest = 0.0
give_up = time.monotonic() + 20
while going and (requests > failures or time.monotonic() < give_up):
    started = time.monotonic()
    tried = request()
    longest = max(longest, time.monotonic() - started)
    requests += 1
    failures += tried < 0
    retried += tried > 0
    if requests - failures == 1 and tried >= 0:
        print("ready", flush=True)
print(json.dumps({"requests": requests, "failures": failures, "retried": retried, "longest": longest}))
