"""Whatever the Docker SDK and what lies below it raise comes out as one of our errors."""

from __future__ import annotations

import inspect
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import docker.errors
import pytest
import requests
import urllib3.exceptions

from reconciler.adapters.docker_host import DockerHost
from reconciler.adapters.docker_host.translate import translated
from reconciler.errors import (
    EngineFailed,
    EngineUnreachable,
    HostConflict,
    PermissionRefused,
    ReconcileError,
    Refused,
)


def of_module(module: object) -> list[type[BaseException]]:
    """Every exception class that a module defines."""
    found = [one for _, one in inspect.getmembers(module, inspect.isclass)]
    name = getattr(module, "__name__", "")
    return [one for one in found if issubclass(one, Exception) and one.__module__ == name]


def instance(kind: type[BaseException]) -> BaseException:
    """One exception of a class, with whatever it takes."""
    if kind is requests.exceptions.JSONDecodeError:
        return kind("words", "document", 0)
    required = [
        parameter
        for parameter in list(inspect.signature(kind.__init__).parameters.values())[1:]
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    return kind(*(f"words of {parameter.name}" for parameter in required))


def response(status: int) -> requests.Response:
    """An answer of the engine."""
    answer = requests.Response()
    answer.status_code = status
    answer.url = "http+docker://localhost/v1.41/secret"
    return answer


def outcome(error: BaseException) -> ReconcileError:
    """What becomes of an error."""
    with pytest.raises(ReconcileError) as caught, translated("start container web-1"):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


DOCKER = of_module(docker.errors)
REQUESTS = of_module(requests.exceptions)
URLLIB3 = [one for one in of_module(urllib3.exceptions) if not issubclass(one, Warning)]


@pytest.mark.parametrize("kind", DOCKER + REQUESTS)
def test_every_class_is_one_of_ours(kind: type[BaseException]) -> None:
    if issubclass(kind, Warning):
        return
    error = outcome(instance(kind))
    assert "start container web-1" in error.problem
    assert not error.problem.endswith(".")


@pytest.mark.parametrize("kind", URLLIB3)
def test_every_class_below_requests_is_one_of_ours(kind: type[BaseException]) -> None:
    # Built without its constructor, which few share: what matters is the class.
    error = kind.__new__(kind)
    for attribute in ("_partial", "partial", "expected", "response", "length"):
        vars(error).setdefault(attribute, 0)
    assert isinstance(outcome(error), EngineFailed | EngineUnreachable)


def test_the_lists_are_not_empty() -> None:
    assert docker.errors.APIError in DOCKER
    assert requests.exceptions.ReadTimeout in REQUESTS
    assert urllib3.exceptions.ProtocolError in URLLIB3


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, EngineFailed),
        (401, PermissionRefused),
        (403, PermissionRefused),
        (404, EngineFailed),
        (409, EngineFailed),
        (500, EngineFailed),
        (503, EngineFailed),
    ],
)
def test_an_answer_is_said_in_the_engines_words(status: int, kind: type[ReconcileError]) -> None:
    error = outcome(docker.errors.APIError("no", response(status), "no such\n thing"))
    assert type(error) is kind
    assert "no such thing" in error.problem
    assert "http+docker" not in str(error)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (409, 'Conflict. The container name "/web" is already in use by container "0a1b"'),
        (500, "Bind for 0.0.0.0:80 failed: port is already allocated"),
        (500, "listen tcp4 127.0.0.1:80: bind: address already in use"),
        (500, "task 0f79e9997d341ce81867559fd27e2838: already exists"),
    ],
)
def test_what_is_in_the_way_on_the_host_is_told_from_other_failures(status: int, words: str) -> None:
    assert type(outcome(docker.errors.APIError("no", response(status), words))) is HostConflict


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (requests.ReadTimeout("x"), EngineUnreachable, "in time"),
        (requests.ConnectTimeout("x"), EngineUnreachable, "in time"),
        (TimeoutError("x"), EngineUnreachable, "in time"),
        (requests.ConnectionError("x"), EngineUnreachable, "does not answer"),
        (ConnectionResetError(104, "x"), EngineUnreachable, "does not answer"),
        (FileNotFoundError(2, "x"), EngineUnreachable, "does not answer"),
        (PermissionError(13, "x"), PermissionRefused, "permission"),
        (KeyError("message"), EngineFailed, "not what the Docker API describes"),
        (TypeError("x"), EngineFailed, "not what the Docker API describes"),
        (requests.JSONDecodeError("x", "y", 0), EngineFailed, "not what the Docker API describes"),
        (docker.errors.ContextNotFound("x"), Refused, "context"),
        (docker.errors.TLSParameterError("x"), EngineUnreachable, "x"),
        (docker.errors.InvalidConfigFile("x"), EngineUnreachable, "configuration"),
    ],
)
def test_causes_are_told_apart(error: BaseException, kind: type[ReconcileError], words: str) -> None:
    found = outcome(error)
    assert type(found) is kind
    assert words in found.problem


def test_a_cause_is_found_wherever_it_hides() -> None:
    """The SDK wraps what went wrong at the first request in its own words, requests in its arguments."""
    refused = requests.ConnectionError(
        urllib3.exceptions.ProtocolError("Connection aborted.", PermissionError(13, "Permission denied"))
    )
    wrapped = docker.errors.DockerException("Error while fetching server API version: …")
    wrapped.__cause__ = refused
    found = outcome(wrapped)
    assert isinstance(found, PermissionRefused)
    assert "docker" in found.hint


def test_our_own_errors_and_bugs_pass() -> None:
    with pytest.raises(Refused, match="mine"), translated("do anything"):
        raise Refused("mine")
    with pytest.raises(ZeroDivisionError), translated("do anything"):
        raise ZeroDivisionError


# --- real sockets ---------------------------------------------------------------------------------


def test_no_engine_at_the_socket(tmp_path: Path) -> None:
    with closing(DockerHost(f"unix://{tmp_path}/none.sock")) as engine:
        with pytest.raises(EngineUnreachable, match="does not answer") as caught:
            engine.observe("p")
        assert "docker info" in caught.value.hint


def test_nobody_behind_the_socket(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "left.sock"))
    left.close()
    with closing(DockerHost(f"unix://{tmp_path}/left.sock")) as engine, pytest.raises(EngineUnreachable):
        engine.observe("p")


def test_a_socket_that_we_may_not_use(tmp_path: Path) -> None:
    """Root may use any socket, so this is tried as nobody."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "closed.sock"))
    listener.listen()
    (tmp_path / "closed.sock").chmod(0)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    try:
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, f"unix://{tmp_path}/closed.sock"],
            capture_output=True,
            text=True,
        )
    finally:
        listener.close()
    assert "no permission to use the engine's socket" in done.stdout, done.stderr
    assert "group" in done.stdout


AS_NOBODY = """
import os, sys
import docker.errors
from reconciler.adapters.docker_host import DockerHost
from reconciler.errors import PermissionRefused
if os.getuid() == 0:
    os.setuid(65534)
try:
    DockerHost(sys.argv[1]).observe("p")
except PermissionRefused as error:
    print(error)
"""


class Nonsense(BaseHTTPRequestHandler):
    """Answers everything with what `body` and `status` say."""

    body = b""
    status = 200

    def do_GET(self) -> None:
        if self.path.endswith("/version"):
            self._answer(200, b'{"ApiVersion": "1.41", "Version": "1"}')
        else:
            self._answer(self.status, self.body)

    do_POST = do_DELETE = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def nonsense() -> Iterator[tuple[type[Nonsense], DockerHost]]:
    """An engine that answers what a test wants, on a loopback port."""

    class Answers(Nonsense):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        engine = DockerHost(f"tcp://127.0.0.1:{server.server_address[1]}", timeout_seconds=5.0)
        yield Answers, engine
        engine.close()
        server.shutdown()


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'"text"', b"[1]", b'[{"Id": 1}]', b"{", b"\xff"]
)
@pytest.mark.parametrize("status", [200, 404, 409, 500])
def test_nonsense_from_the_engine_is_the_engines_failure(
    nonsense: tuple[type[Nonsense], DockerHost], body: bytes, status: int
) -> None:
    """Row E-17: whatever it answers, only our errors come out."""
    answers, engine = nonsense
    answers.body, answers.status = body, status
    calls = (
        lambda: engine.observe("p"),
        lambda: engine.inspect("c"),
        lambda: engine.missing([]),
        lambda: engine.restart_policy("c"),
        lambda: engine.start("c"),
        lambda: engine.stop("c", 1.0),
        lambda: engine.rename("c", "d"),
        lambda: engine.remove("c"),
        lambda: engine.logs("c", 5),
        lambda: engine.execute("c", ["true"], 5.0),
        lambda: engine.usage("c"),
        lambda: engine.description("c"),
        lambda: engine.tags("web"),
        lambda: engine.untag("web", "rollback"),
        lambda: engine.taken_ports(),
    )
    for call in calls:
        try:
            call()
        except ReconcileError as error:
            assert error.problem  # noqa: PT017 - some of these answers are fine for some calls
