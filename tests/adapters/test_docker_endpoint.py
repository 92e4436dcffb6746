"""Which engine is meant, and whether the way there is safe. Rows 10 and 11 of the security checklist."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.adapters.docker_host import DockerHost
from reconciler.adapters.docker_host.endpoint import DEFAULT_HOST, Endpoint, Tls, find, loopback
from reconciler.errors import EngineFailed, EngineUnreachable, Refused
from tests.bed.engine import required_engine
from tests.bed.tls_engine import Authority, client, tls_engine


def write_context(folder: Path, name: str, docker: object, *, tls: bool = False) -> Path:
    """What `docker context create` writes; returns the folder of its TLS files."""
    identity = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / identity
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": docker}}))
    files = folder / "contexts" / "tls" / identity / "docker"
    if tls:
        files.mkdir(parents=True)
    return files


def found(tmp_path: Path, host: str = "", context: str = "", **environ: str) -> Endpoint:
    return find(host, context, {"DOCKER_CONFIG": str(tmp_path), **environ}, tmp_path)


# --- which ----------------------------------------------------------------------------------------


def test_by_default_the_socket(tmp_path: Path) -> None:
    assert found(tmp_path) == Endpoint(DEFAULT_HOST)


def test_the_order_is_that_of_the_docker_command(tmp_path: Path) -> None:
    for name in ("current", "asked", "variable"):
        write_context(tmp_path, name, {"Host": f"unix:///{name}"})
    (tmp_path / "config.json").write_text(json.dumps({"currentContext": "current"}))
    both = {"DOCKER_HOST": "unix:///host", "DOCKER_CONTEXT": "variable"}
    assert found(tmp_path).url == "unix:///current"
    assert found(tmp_path, DOCKER_CONTEXT="variable").url == "unix:///variable"
    assert found(tmp_path, **both).url == "unix:///host"
    assert found(tmp_path, context="asked", **both).url == "unix:///asked"
    assert found(tmp_path, "unix:///mine", **both).url == "unix:///mine"
    assert found(tmp_path, context="default").url == DEFAULT_HOST


def test_it_is_the_docker_commands_own_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker = shutil.which("docker")
    assert docker
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    subprocess.run(
        [docker, "context", "create", "far", "--docker", "host=ssh://ada@far.test:2222"], check=True
    )
    subprocess.run([docker, "context", "use", "far"], check=True)
    assert find("", "", os.environ, tmp_path).url == "ssh://ada@far.test:2222"


@pytest.mark.parametrize("meta", [None, {}, {"Host": ""}, [], "text"])
def test_a_context_that_is_none_is_refused(tmp_path: Path, meta: object) -> None:
    if meta is not None:
        write_context(tmp_path, "it", meta)
    with pytest.raises(Refused, match="no Docker context 'it'"):
        found(tmp_path, context="it")


def test_tls_files_of_the_environment_and_of_a_context(tmp_path: Path) -> None:
    tcp = "tcp://far.test:2376"
    files = write_context(tmp_path, "far", {"Host": tcp, "SkipTLSVerify": False}, tls=True)
    certs = tmp_path / "certs"
    by_variable = found(tmp_path, tcp, DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH=str(certs)).tls
    assert by_variable == Tls(certs / "ca.pem", certs / "cert.pem", certs / "key.pem")
    by_context = found(tmp_path, context="far").tls
    assert by_context == Tls(files / "ca.pem", files / "cert.pem", files / "key.pem")


# --- safe -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["tcp://localhost:2375", "tcp://127.0.0.1:2375", "tcp://[::1]:2375"])
def test_plain_tcp_is_fine_on_this_machine(tmp_path: Path, host: str) -> None:
    assert found(tmp_path, host).url == host


@pytest.mark.parametrize(
    "host",
    [
        "tcp://10.0.0.1:2375",
        "tcp://far.test:2375",
        "tcp://0.0.0.0:2375",
        "tcp://localhost.far.test:2375",
        "tcp://2130706433:2375",
        "tcp://:2375",
    ],
)
def test_plain_tcp_to_anywhere_else_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(Refused, match="without verified TLS"):
        found(tmp_path, host)


def test_tls_that_checks_nothing_is_refused(tmp_path: Path) -> None:
    write_context(tmp_path, "far", {"Host": "tcp://far.test:2376", "SkipTLSVerify": True}, tls=True)
    with pytest.raises(Refused, match="without verified TLS"):
        found(tmp_path, context="far")


@pytest.mark.parametrize(
    "host",
    [
        "http://far.test",
        "npipe:////./pipe/docker",
        "fd://",
        "/var/run/docker.sock",
        "ssh://",
        "ssh://-oProxyCommand=x",
    ],
)
def test_other_ways_are_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(Refused):
        found(tmp_path, host)


def test_no_password_of_a_url_gets_into_a_message(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        found(tmp_path, "tcp://ada:s3cret@far.test:2375")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "certain"),
    [
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.1", False),
        ("x", False),
    ],
)
def test_loopback(host: str, certain: bool) -> None:
    assert loopback(host) is certain


# --- ssh ------------------------------------------------------------------------------------------


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for ssh that notes its arguments and runs the command here."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "ssh"
    program.write_text(
        f'#!/bin/sh\necho "$@" >>{folder}/said\nwhile [ "$1" != -- ]; do shift; done\nshift 2\nexec "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


def test_an_engine_behind_ssh(ssh: Path) -> None:
    required_engine()
    with closing(DockerHost("ssh://ada@far.test:2222")) as engine:
        engine.observe("nothing")
        assert engine.version()
        assert engine.free_bytes() is None
    *said, farewell = (ssh / "said").read_text().splitlines()
    assert all(line.endswith("-p 2222 -l ada -- far.test docker system dial-stdio") for line in said)
    assert farewell.endswith("-O exit -- far.test")
    assert "StrictHostKeyChecking=yes" in said[0]
    assert "BatchMode=yes" in said[0]


def test_what_ssh_complains_about_is_said(ssh: Path) -> None:
    (ssh / "ssh").write_text("#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n")
    with closing(DockerHost("ssh://far.test")) as engine, pytest.raises(EngineUnreachable) as caught:
        engine.observe("nothing")
    assert caught.value.hint == "ssh says: Host key verification failed."


def test_no_ssh_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with closing(DockerHost("ssh://far.test")) as engine, pytest.raises(EngineUnreachable) as caught:
        engine.observe("nothing")
    assert "ssh" in caught.value.hint


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("tls") / "authority")
    made.certificate("server", subject="127.0.0.1")
    made.certificate("elsewhere", subject="elsewhere.test")
    made.certificate("expired", subject="127.0.0.1", days=-1)
    made.certificate("client", subject="client.test")
    return made


def test_an_engine_behind_tls(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client(authority, tmp_path / "client", monkeypatch)
    with tls_engine(authority, "server") as url, closing(DockerHost(url)) as engine:
        assert engine.observe("nothing").instances == ()


@pytest.mark.parametrize("name", ["elsewhere", "expired"])
def test_a_certificate_that_is_not_the_engines(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    client(authority, tmp_path / "client", monkeypatch)
    with (
        tls_engine(authority, name) as url,
        closing(DockerHost(url)) as engine,
        pytest.raises(EngineUnreachable, match="certificate"),
    ):
        engine.observe("nothing")


def test_an_authority_that_is_not_ours(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Authority(tmp_path / "other")
    other.certificate("client", subject="client.test")
    client(other, tmp_path / "client", monkeypatch)
    with (
        tls_engine(authority, "server") as url,
        closing(DockerHost(url)) as engine,
        pytest.raises(EngineUnreachable, match="certificate"),
    ):
        engine.observe("nothing")


def test_tls_files_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with (
        closing(DockerHost("tcp://127.0.0.1:1")) as engine,
        pytest.raises((EngineUnreachable, EngineFailed), match="certificate"),
    ):
        engine.observe("nothing")
