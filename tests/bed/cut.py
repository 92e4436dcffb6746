"""Connections that are cut off in the middle."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cut_after(count: int, port: int) -> Iterator[int]:
    """A port that leads to ``port``, where every connection ends after ``count`` bytes of answer."""
    threads: list[threading.Thread] = []

    def relay(client: socket.socket) -> None:
        with (
            client,
            socket.create_connection(("127.0.0.1", port)) as server,
            contextlib.suppress(OSError),
        ):
            threads.append(threading.Thread(target=pump, args=(client, server), daemon=True))
            threads[-1].start()
            left = count
            while left > 0 and (chunk := server.recv(min(left, 4096))):
                client.sendall(chunk)
                left -= len(chunk)
            client.shutdown(socket.SHUT_RDWR)

    def pump(client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := client.recv(4096):
                server.sendall(chunk)

    def accept(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=relay, args=(listener.accept()[0],), daemon=True))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept, args=(listener,), daemon=True)
        accepting.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join(10)
        for thread in threads:
            thread.join(10)
