"""The stream of events: what a line says, and every way in which a stream can fail or end."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.docker_host import DockerHost
from reconciler.adapters.docker_host.occurrence import occurrence
from reconciler.domain.triggers import Occurrence
from reconciler.errors import EngineFailed, EngineUnreachable, PermissionRefused, ReconcileError
from tests.bed.ears import following
from tests.bed.engine import required_engine
from tests.bed.tls_engine import Authority, client, tls_engine

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
Serve = Callable[..., DockerHost]


def event(action: str = "die", **about: str) -> dict[str, Any]:
    """One event as the engine writes it."""
    attributes = {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": "web",
        "com.docker.compose.project.working_dir": "/opt/shop",
        "com.docker.compose.project.config_files": "/opt/shop/compose.yaml",
        "name": "shop-web-1",
        "exitCode": "137",
    }
    return {
        "Type": "container",
        "Action": action,
        "Actor": {"ID": "1" * 64, "Attributes": attributes | about},
        "time": 1795731706,
        "timeNano": 1795731706454163754,
    }


def line(action: str = "die", **about: str) -> bytes:
    return json.dumps(event(action, **about)).encode() + b"\n"


def heard_from(engine: DockerHost) -> list[Occurrence]:
    """All that one stream tells until it ends."""
    heard: list[Occurrence] = []
    engine.events.follow(lambda: None, heard.append, threading.Event())
    return heard


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """An engine that answers one request with these parts, then ends; or with `hang`, says no more."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(tmp_path / "docker.sock"))
    listener.listen()
    enough = threading.Event()
    threads: list[threading.Thread] = []
    engines: list[DockerHost] = []

    def start(*parts: bytes, hang: bool = False, timeout_seconds: float = 5) -> DockerHost:
        def run() -> None:
            connection, _ = listener.accept()
            with connection, suppress(ConnectionError):  # the other side may leave before all is said
                (tmp_path / "asked").write_bytes(connection.recv(4096))
                for part in parts:
                    connection.sendall(part)
                if hang:
                    enough.wait(20)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        host = f"unix://{tmp_path / 'docker.sock'}"
        engines.append(DockerHost(host, timeout_seconds=timeout_seconds))
        return engines[-1]

    yield start
    enough.set()
    for thread in threads:
        thread.join()
    for engine in engines:
        engine.close()
    listener.close()


# --- What a line says -----------------------------------------------------------------------------


def test_a_line_as_a_value() -> None:
    assert occurrence(line("health_status: unhealthy")) == Occurrence(
        at=datetime(2026, 11, 26, 22, 21, 46, 454164, tzinfo=UTC),
        project="shop",
        service="web",
        container="shop-web-1",
        action="health_status",
        exit_code=137,
        working_directory="/opt/shop",
        compose_files="/opt/shop/compose.yaml",
    )


def test_a_container_of_compose_run_is_nobodys_service() -> None:
    assert occurrence(line(**{"com.docker.compose.oneoff": "True"})) is None
    assert occurrence(line(**{"com.docker.compose.oneoff": "False"})) is not None


def without(*keys: str) -> dict[str, Any]:
    found = event()
    inner = found
    for key in keys[:-1]:
        inner = inner[key]
    del inner[keys[-1]]
    return found


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"\x00\xff",
        b"null",
        b"12",
        b"[]",
        b'"x"',
        b"{",
        b"[" * 100_000,
        b'{"Actor": null}',
        b'{"Actor": {"Attributes": []}}',
        json.dumps(without("Actor", "Attributes", "com.docker.compose.project")).encode(),
        json.dumps(without("Action")).encode(),
        json.dumps(without("timeNano")).encode(),
        json.dumps(event() | {"timeNano": 10**40}).encode(),
        json.dumps(event() | {"timeNano": "soon"}).encode(),
        json.dumps(event() | {"Action": {"a": 1}}).encode(),
        json.dumps(event() | {"Actor": {"Attributes": {"com.docker.compose.project": 3}}}).encode(),
    ],
)
def test_nonsense_says_nothing(nonsense: bytes) -> None:
    assert occurrence(nonsense) is None


def test_an_exit_code_that_is_no_number_is_none() -> None:
    found = occurrence(line(exitCode="many"))
    assert found is not None
    assert found.exit_code is None


# --- How a stream goes on -------------------------------------------------------------------------


def test_lines_come_in_any_pieces(serve: Serve) -> None:
    text = HEAD + line("create") + b"nonsense\n" + line("oom") + line("die")
    engine = serve(*(text[at : at + 7] for at in range(0, len(text), 7)))
    assert [one.action for one in heard_from(engine)] == ["create", "oom", "die"]


def test_a_line_that_was_cut_off_says_nothing(serve: Serve) -> None:
    engine = serve(HEAD, line("create"), line("die")[:-20])
    assert [one.action for one in heard_from(engine)] == ["create"]


def test_a_line_without_end_ends_the_stream(serve: Serve) -> None:
    engine = serve(HEAD, line("create"), b"x" * (2 << 20), b"\n", line("die"), hang=True)
    assert [one.action for one in heard_from(engine)] == ["create"]


def test_a_thousand_events_at_once(serve: Serve) -> None:
    engine = serve(HEAD + line() * 1000)
    assert len(heard_from(engine)) == 1000


def test_a_stream_that_is_stopped_hears_no_more(serve: Serve) -> None:
    stopping, heard = threading.Event(), list[Occurrence]()

    def hear(one: Occurrence) -> None:
        heard.append(one)
        stopping.set()

    serve(HEAD + line() * 3, hang=True).events.follow(lambda: None, hear, stopping)
    assert len(heard) == 1


def test_what_the_listener_raises_is_its_own(serve: Serve) -> None:
    def fail(_: Occurrence) -> None:
        raise ValueError("a bug of ours")

    engine = serve(HEAD + line())
    with pytest.raises(ValueError, match="a bug of ours"):
        engine.events.follow(lambda: None, fail, threading.Event())


# --- How it cannot be opened ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (b"", EngineUnreachable, "does not answer"),
        (b"HTTP/1.0 200 OK\r\n", EngineUnreachable, "does not answer"),
        (b"HTTP/1.0 403 Forbidden\r\n\r\nnot through this proxy", PermissionRefused, "through this proxy"),
        (b"HTTP/1.0 500 No\r\n\r\nno events today", EngineFailed, "no events today"),
        (b"HTTP/1.0 404 Not Found\r\n\r\n", EngineFailed, "404 Not Found"),
        (b"SSH-2.0-server\r\n\r\n", EngineFailed, "SSH-2.0-server"),
        (b"x" * (2 << 20), EngineUnreachable, "in time"),
    ],
)
def test_an_answer_that_is_no_stream(
    answer: bytes, kind: type[ReconcileError], words: str, serve: Serve
) -> None:
    with pytest.raises(kind, match=words):
        heard_from(serve(answer))


def test_nobody_listens(tmp_path: Path) -> None:
    with closing(DockerHost(f"unix://{tmp_path / 'none.sock'}")) as engine, pytest.raises(EngineUnreachable):
        heard_from(engine)


def test_an_engine_that_does_not_answer(serve: Serve) -> None:
    with pytest.raises(EngineUnreachable, match="in time"):
        heard_from(serve(hang=True, timeout_seconds=0.1))


def test_an_engine_that_does_not_answer_is_left_when_stopping(serve: Serve) -> None:
    engine, stopping = serve(hang=True, timeout_seconds=60), threading.Event()
    opened = threading.Event()
    thread = threading.Thread(target=engine.events.follow, args=(opened.set, lambda _: None, stopping))
    thread.start()
    stopping.set()
    thread.join(20)
    assert not thread.is_alive()
    assert not opened.is_set()


# --- Other ways to an engine ----------------------------------------------------------------------


def test_events_of_an_engine_behind_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    required_engine()
    (tmp_path / "ssh").write_text('#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift 2\nexec "$@"\n')
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with closing(DockerHost("ssh://far.test")) as engine, following(engine.events) as ears:
        ears.leave()
    assert ears.opened.is_set()


def test_what_ssh_complains_about_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ssh").write_text("#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n")
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with closing(DockerHost("ssh://far.test")) as engine, pytest.raises(EngineUnreachable) as caught:
        heard_from(engine)
    assert caught.value.hint == "ssh says: Host key verification failed."


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("tls") / "authority")
    made.certificate("server", subject="127.0.0.1")
    made.certificate("elsewhere", subject="elsewhere.test")
    made.certificate("client", subject="client.test")
    return made


def test_events_of_an_engine_behind_tls(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(authority, tmp_path / "client", monkeypatch)
    with tls_engine(authority, "server") as url, closing(DockerHost(url)) as engine:
        assert [one.action for one in heard_from(engine)] == ["oom"]


def test_a_certificate_that_is_not_the_engines(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client(authority, tmp_path / "client", monkeypatch)
    with (
        tls_engine(authority, "elsewhere") as url,
        closing(DockerHost(url)) as engine,
        pytest.raises(EngineUnreachable, match="certificate"),
    ):
        heard_from(engine)


def test_it_asks_for_what_is_documented(serve: Serve, tmp_path: Path) -> None:
    """Row 9 of the security checklist."""
    heard_from(serve(HEAD))
    method, path, _ = (tmp_path / "asked").read_text().split(" ", 2)
    text = (Path(__file__).parents[2] / "docs/security.md").read_text(encoding="utf-8")
    section = text.split("### Asked by the daemon\n", 1)[1].split("\n#", 1)[0]
    assert re.findall("`(GET .*)`", section) == [f"{method} {path.partition('?')[0]}"]


def test_following_does_without_the_sdk() -> None:
    required_engine()
    code = """
import sys, threading
from reconciler.adapters.docker_host import DockerHost
stopping = threading.Event()
DockerHost().events.follow(stopping.set, print, stopping)
print(stopping.is_set(), sorted({"docker", "requests", "urllib3"} & set(sys.modules)))
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "True []"
