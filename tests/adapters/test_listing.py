"""The list call without the SDK: a plain good answer, or none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.adapters.docker_host.endpoint import Endpoint
from reconciler.adapters.docker_host.listing import listed

Serve = Callable[[bytes | None], Endpoint]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """An engine that answers one request with these bytes; with None, it does not answer."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(tmp_path / "docker.sock"))
    listener.listen()
    enough = threading.Event()
    threads: list[threading.Thread] = []

    def start(answer: bytes | None) -> Endpoint:
        def run() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                if answer is None:
                    enough.wait(5)
                else:
                    connection.sendall(answer)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return Endpoint(f"unix://{tmp_path / 'docker.sock'}")

    yield start
    enough.set()
    for thread in threads:
        thread.join()
    listener.close()


def test_a_good_answer(serve: Serve) -> None:
    endpoint = serve(b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n[{"Id": "1"}]\n')
    assert listed(endpoint, "a=b", 5) == [{"Id": "1"}]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.0 500 No\r\n\r\n[]",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b'HTTP/1.0 200 OK\r\n\r\n[{"Id": "1"}, {"I',
        b'HTTP/1.0 200 OK\r\n\r\n{"message": "x"}',
        b"HTTP/1.0 200 OK\r\n\r\n[1]",
        b"\xff\xfe",
    ],
)
def test_anything_else_is_left_to_the_sdk(answer: bytes, serve: Serve) -> None:
    assert listed(serve(answer), "a=b", 5) is None


def test_an_engine_that_hangs_is_not_asked_twice(serve: Serve) -> None:
    with pytest.raises(TimeoutError):
        listed(serve(None), "a=b", 0.1)


def test_only_local_engines_are_asked_like_this(tmp_path: Path) -> None:
    assert listed(Endpoint("tcp://127.0.0.1:1"), "a=b", 5) is None
    assert listed(Endpoint(f"unix://{tmp_path}/missing.sock"), "a=b", 5) is None
