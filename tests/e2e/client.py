"""A client inside a container's network: resolves a service's name each time, and tries every address.

Run by its file name, from the host, with nothing but the standard library:
``nsenter --target PID --net python client.py NAME PORT STOP_FILE``. It asks until STOP_FILE appears, then
prints what happened as JSON. ``RESOLVE NAME`` instead prints the addresses of a name.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from pathlib import Path

RESOLVER = ("127.0.0.11", 53)
"""Docker's own, inside every container of a user-defined network."""


def resolve(name: str) -> list[str]:
    """The IPv4 addresses of ``name``; empty where it has none."""
    question = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    query = struct.pack(">6H", 0x4A4A, 0x0100, 1, 0, 0, 0) + question + struct.pack(">2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        asking.sendto(query, RESOLVER)
        answer = asking.recv(4096)
    (answers,) = struct.unpack(">H", answer[6:8])
    addresses, place = [], 12 + len(question) + 4
    for _ in range(answers):
        place = _after_name(answer, place)
        kind, _, _, length = struct.unpack(">HHIH", answer[place : place + 10])
        if kind == 1:
            addresses.append(socket.inet_ntoa(answer[place + 10 : place + 10 + length]))
        place += 10 + length
    return addresses


def _after_name(answer: bytes, place: int) -> int:
    while answer[place]:
        if answer[place] >= 0xC0:
            return place + 2
        place += answer[place] + 1
    return place + 1


def ask(name: str, port: int) -> str:
    """The text of one answer, from the first address that gives one; else a word for what went wrong."""
    addresses = resolve(name)
    problem = "no address"
    for address in addresses:
        try:
            with socket.create_connection((address, port), timeout=5) as connection:
                connection.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
                received = b""
                while chunk := connection.recv(4096):
                    received += chunk
        except OSError as error:
            problem = f"{address}: {error}"
            continue
        head, _, body = received.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 200") and body:
            return body.decode().strip()
        problem = f"{address}: cut off after {received!r}"
    return f"FAILED {problem}"


def main(name: str, port: str, stop: str) -> None:
    seen: list[str] = []
    failures: list[str] = []
    count = 0
    while not Path(stop).exists():
        text = ask(name, int(port))
        count += 1
        if text.startswith("FAILED"):
            failures.append(text)
        elif not seen or seen[-1] != text:
            seen.append(text)
        if count == 1:
            Path(f"{stop}.started").touch()
        Path(f"{stop}.count").write_text(str(count))
        time.sleep(0.001)
    sys.stdout.write(json.dumps({"requests": count, "versions": seen, "failures": failures}))


if __name__ == "__main__":
    if sys.argv[1] == "RESOLVE":
        sys.stdout.write(json.dumps(resolve(sys.argv[2])))
    else:
        main(*sys.argv[1:4])
