"""Answers that the engine of the bed does not give, from one that says what a test wants."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
import requests
from urllib3.exceptions import ReadTimeoutError

from reconciler.adapters.docker_host import DockerHost
from reconciler.adapters.docker_host.stream import limit_read
from reconciler.errors import EngineFailed

FRAME = b"\x01\0\0\0\0\0\0\x05hello"


@dataclass(slots=True)
class Scripted:
    """An engine; `answers` maps a path (without version and query) to what it says, one after the other."""

    url: str = ""
    api_version: str = "1.41"
    answers: dict[str, list[Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    released: Event = field(default_factory=Event)

    def answer(self, target: str) -> Any:
        """The next answer; the last one is repeated."""
        asked = re.sub(r"^/(v[0-9.]+/)?", "", target)
        path = asked.partition("?")[0]
        if path == "version":
            return {"ApiVersion": self.api_version}
        self.asked.append(asked)
        waiting = self.answers[path]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


@pytest.fixture
def engine() -> Iterator[Scripted]:
    script = Scripted()

    class Answers(BaseHTTPRequestHandler):
        """JSON for what is no bytes; bytes come without a length, and the connection ends when released."""

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = script.answer(self.path)
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(200)
            if body is not said:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            if body is said:
                self.wfile.flush()
                script.released.wait(5)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        script.url = f"tcp://127.0.0.1:{server.server_address[1]}"
        yield script
        script.released.set()
        server.shutdown()


@pytest.fixture
def host(engine: Scripted) -> Iterator[DockerHost]:
    with closing(DockerHost(engine.url, timeout_seconds=5.0)) as host:
        yield host


def test_an_exit_code_is_awaited_after_the_last_word(engine: Scripted, host: DockerHost) -> None:
    running, ended = {"Running": True, "ExitCode": None}, {"Running": False, "ExitCode": 4}
    engine.answers = {
        "containers/c/exec": [{"Id": "e"}],
        "exec/e/start": [FRAME],
        "exec/e/json": [running, running | {"ExitCode": 0}, running, ended],
    }
    engine.released.set()
    assert host.execute("c", ["true"], 20.0) == (4, "hello")


def test_an_exit_code_is_not_awaited_for_ever(engine: Scripted, host: DockerHost) -> None:
    engine.answers = {
        "containers/c/exec": [{"Id": "e"}],
        "exec/e/start": [FRAME],
        "exec/e/json": [{"Running": True, "ExitCode": None}],
    }
    engine.released.set()
    with pytest.raises(EngineFailed, match=r"did not end within 0\.3 s"):
        host.execute("c", ["true"], 0.3)


def test_each_read_of_a_stream_has_its_own_limit(engine: Scripted) -> None:
    """Also where the answer has no length, and its connection has given the socket away."""
    engine.answers = {"stream": [b"x"]}
    url = f"{engine.url.replace('tcp', 'http')}/v1.41/stream"
    with requests.get(url, stream=True, timeout=60) as response:
        assert response.raw.read(1) == b"x"
        limit_read(response, 0.05)
        with pytest.raises(ReadTimeoutError):
            response.raw.read(1)


@pytest.mark.parametrize(("api_version", "one_shot"), [("1.40", False), ("1.41", True), ("1.52", True)])
def test_one_sample_is_asked_for_where_the_engine_can(
    engine: Scripted, host: DockerHost, api_version: str, one_shot: bool
) -> None:
    engine.api_version = api_version
    engine.answers = {
        "containers/c/json": [{"HostConfig": {}}],
        "containers/c/stats": [
            {"memory_stats": {"usage": 5}, "cpu_stats": {"cpu_usage": {"total_usage": 1}}}
        ],
    }
    usage = host.usage("c")
    assert usage is not None
    assert usage.memory_bytes == 5
    assert ("one-shot=True" in engine.asked[-1]) is one_shot
    assert "stream=False" in engine.asked[-1]


def test_tags_are_those_of_the_repository_whatever_else_is_listed(engine: Scripted, host: DockerHost) -> None:
    """And Docker Hub's names are asked for in the engine's own short form."""
    names = ["ada/web:1", "ada/web:rollback", "ada/web2:1", "r.test:5000/ada/web:1", "<none>:<none>"]
    engine.answers = {"images/json": [[{"Id": "one", "RepoTags": names}, {"Id": "two", "RepoTags": None}]]}
    assert host.tags("docker.io/ada/web") == {"1": "one", "rollback": "one"}
    assert "docker.io" not in engine.asked[-1]


def test_a_description_is_cut_between_characters(engine: Scripted, host: DockerHost) -> None:
    engine.answers = {"containers/c/json": [{"State": {"Error": "€" * 65536}}]}
    text = host.description("c")
    assert 64 * 1024 - 4 < len(text.encode()) <= 64 * 1024
    assert text.endswith("€")
