"""A port that nobody has and that the engine does not give away is told from one that somebody has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from reconciler.adapters.docker_host import DockerHost
from reconciler.errors import HostConflict

ALLOCATED = (
    "driver failed programming external connectivity on endpoint shop-web-1 (0f79): "
    "Bind for 127.0.0.1:8080 failed: port is already allocated"
)
LISTENS = "driver failed …: listen tcp4 127.0.0.1:8080: bind: address already in use"
KEPT = "no running container has port 8080, the engine itself kept it: restart the engine"


@contextmanager
def engine_that_says(words: str, listed: tuple[int, Any]) -> Iterator[DockerHost]:
    """An engine that starts no container, and says why; ``listed`` is how it answers who runs."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            version = (200, {"ApiVersion": "1.41", "Version": "20.10.24"})
            self.answer(*(version if self.path.endswith("/version") else listed))

        def do_POST(self) -> None:
            self.answer(500, {"message": words})

        def answer(self, status: int, content: object) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with closing(DockerHost(f"tcp://127.0.0.1:{server.server_address[1]}", timeout_seconds=5.0)) as host:
            yield host
        server.shutdown()


def publishing(port: int) -> dict[str, object]:
    """A container that runs, as the engine lists it."""
    published = {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": port, "Type": "tcp"}
    return {"Id": "5d1e", "Names": ["/other-web-1"], "Ports": [published]}


def problem(words: str, listed: tuple[int, Any]) -> str:
    with engine_that_says(words, listed) as host, pytest.raises(HostConflict) as caught:
        host.start("shop-web-1")
    return caught.value.problem


@pytest.mark.parametrize("running", [[], [publishing(80)], [publishing(18080)]])
def test_a_port_that_no_container_has_is_the_engines(running: list[object]) -> None:
    said = problem(ALLOCATED, (200, running))
    assert ALLOCATED in said
    assert said.endswith(KEPT)


@pytest.mark.parametrize(
    ("words", "listed"),
    [
        pytest.param(ALLOCATED, (200, [publishing(8080)]), id="a container has it"),
        pytest.param(LISTENS, (200, []), id="a process listens"),
        pytest.param(ALLOCATED, (500, {"message": "no"}), id="who has it cannot be told"),
    ],
)
def test_what_somebody_has_is_not_the_engines(words: str, listed: tuple[int, Any]) -> None:
    assert problem(words, listed) == f"could not start container shop-web-1: {words}"
