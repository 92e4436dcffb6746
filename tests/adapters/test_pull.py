"""Pulls from a real registry with everything going wrong that can. Fault rows R-01 to R-17.

Whatever happens: never the wrong image, never an unbounded wait, and what was local stays.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.adapters.docker_host import DockerHost
from reconciler.adapters.docker_host.pull import Progress, auth_headers
from reconciler.adapters.registry import HttpRegistry
from reconciler.adapters.registry.logins import DockerLogins
from reconciler.domain.image import ImageRef
from reconciler.errors import PermissionRefused, PullFailed, ReconcileError, RegistryUnreachable
from tests.bed.engine import required_engine
from tests.bed.fault_proxy import FaultProxy
from tests.bed.private_engine import PrivateEngine
from tests.bed.registry import Registry, push
from tests.bed.tools import docker

PROGRESS_SECONDS = 2.0
SECRET = "correct-horse-battery"


def anonymous(_host: str) -> tuple[str, str] | None:
    """No login for any registry."""
    return None


def unique(tag: str, *, kilobytes: int = 300) -> None:
    """Build an image whose layer no engine has seen before."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "blob").write_bytes(secrets.token_bytes(kilobytes * 1024))
        (Path(folder) / "Dockerfile").write_text('FROM scratch\nCOPY blob /blob\nCMD ["/blob"]\n')
        docker("build", "--quiet", "--tag", tag, folder)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A registry behind a fault proxy, and an engine that pulls from it with short deadlines."""

    registry: Registry
    proxy: FaultProxy
    engine: DockerHost
    asked: HttpRegistry

    def publish(self, *, kilobytes: int = 300) -> ImageRef:
        """A new image at the registry, as it is called through the proxy; it is not on the host."""
        tag = f"{self.registry.address}/{self.name}:1"
        unique(tag, kilobytes=kilobytes)
        digest = push(tag)
        docker("rmi", "--force", tag)
        return ImageRef(f"{self.proxy.address}/{self.name}", "1", digest)

    @property
    def name(self) -> str:
        return "shelf/web"


@pytest.fixture(scope="module")
def host() -> str:
    return required_engine()


@pytest.fixture
def shelf(host: str) -> Iterator[Shelf]:
    asked = HttpRegistry(anonymous, timeout_seconds=1.0)
    with (
        Registry() as registry,
        FaultProxy(registry.address) as proxy,
        closing(DockerHost(host, registry=asked, progress_seconds=PROGRESS_SECONDS)) as engine,
    ):
        yield Shelf(registry, proxy, engine, asked)
        images = docker("images", "--format", "{{.Repository}}@{{.Digest}}", "--digests").split()
        if mine := [image for image in images if proxy.address in image and "<none>" not in image]:
            docker("rmi", "--force", *mine)


FAULTS = [
    ("429", None, RegistryUnreachable, r"429; try again in 7 s"),
    ("401", None, PermissionRefused, "refuses access"),
    ("500", None, RegistryUnreachable, "fails with 500"),
    ("stall", "manifest", PullFailed, "no progress for 2 s"),
    ("500blob", None, PullFailed, "could not pull"),
    ("reset", None, PullFailed, "could not pull"),
    ("truncate", None, PullFailed, "could not pull"),
    ("corrupt", None, PullFailed, "verification failed"),
    ("stall", None, PullFailed, "no progress for 2 s"),
]


@pytest.mark.parametrize(("mode", "subject", "kind", "words"), FAULTS)
def test_a_pull_fails_cleanly(
    shelf: Shelf, mode: str, subject: str | None, kind: type[ReconcileError], words: str
) -> None:
    old, new = shelf.publish(), shelf.publish()
    shelf.engine.pull(old)
    shelf.proxy.fail(mode, subject=subject)
    with pytest.raises(ReconcileError, match=words) as caught:
        shelf.engine.pull(new)
    assert type(caught.value) is kind
    assert str(new) in caught.value.problem
    assert shelf.proxy.failed
    assert shelf.engine.missing([old, new]) == (new,)
    shelf.proxy.recover()
    shelf.engine.pull(new)
    assert shelf.engine.missing([old, new]) == ()


@pytest.mark.parametrize(
    ("mode", "subject", "kind"),
    [
        ("429", None, RegistryUnreachable),
        ("401", None, PermissionRefused),
        ("500", None, RegistryUnreachable),
        ("stall", "manifest", None),
        ("reset", "manifest", None),
        ("truncate", "manifest", None),
        ("corrupt", "manifest", None),
    ],
)
def test_the_digest_of_a_tag_is_the_right_one_or_an_error(
    shelf: Shelf, mode: str, subject: str | None, kind: type[ReconcileError] | None
) -> None:
    """A HEAD has no body to break: where the head arrives whole, so does the digest."""
    image = shelf.publish()
    by_tag = ImageRef(image.repository, "1")
    shelf.proxy.fail(mode, subject=subject)
    try:
        assert shelf.asked.digest(by_tag) == image.digest
        assert kind is None
    except ReconcileError as error:
        assert kind is None or type(error) is kind  # noqa: PT017
    shelf.proxy.recover()
    assert shelf.asked.digest(by_tag) == image.digest


def test_a_slow_pull_is_no_stalled_pull(shelf: Shelf) -> None:
    """Row R-17: one kilobyte a second takes longer than the deadline, and arrives."""
    image = shelf.publish(kilobytes=3)
    shelf.proxy.fail("drip")
    shelf.engine.pull(image)
    assert shelf.engine.missing([image]) == ()


def test_a_pull_by_digest_ignores_that_the_tag_has_moved(shelf: Shelf) -> None:
    first = shelf.publish()
    second = shelf.publish()
    assert first.digest != second.digest
    shelf.engine.pull(first)
    assert shelf.engine.missing([first, second]) == (second,)


def test_what_the_registry_does_not_have_is_said(shelf: Shelf) -> None:
    absent = shelf.publish().with_digest(f"sha256:{'7' * 64}")
    with pytest.raises(PullFailed, match="has no image shelf/web"):
        shelf.engine.pull(absent)


def test_a_registry_that_is_down_is_unreachable(shelf: Shelf) -> None:
    image = shelf.publish()
    shelf.registry.stop()
    with pytest.raises(RegistryUnreachable):
        shelf.engine.pull(image)


def test_a_registry_that_accepts_and_never_answers_is_unreachable(shelf: Shelf) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        image = ImageRef(f"127.0.0.1:{silent.getsockname()[1]}/web", "1", f"sha256:{'7' * 64}")
        with pytest.raises(RegistryUnreachable, match="did not answer within 1 s"):
            shelf.engine.pull(image)


def test_without_a_registry_to_ask_the_engines_words_must_do(shelf: Shelf, host: str) -> None:
    image = shelf.publish()
    shelf.proxy.fail("429")
    with closing(DockerHost(host)) as engine, pytest.raises(PullFailed, match="toomanyrequests"):
        engine.pull(image)


def test_progress_is_reported(shelf: Shelf) -> None:
    lines: list[str] = []
    shelf.engine.pull(shelf.publish(), lines.append)
    assert any("Pull complete" in line for line in lines)


def test_a_full_disk_is_the_hosts_fault(tmp_path: Path) -> None:
    """Row R-14: the registry is not blamed for it."""
    with (
        PrivateEngine(megabytes=40) as small,
        Registry() as registry,
        FaultProxy(registry.address, listener=small.listener(registry.port)),
        closing(DockerHost(small.host, registry=HttpRegistry(anonymous), progress_seconds=30)) as engine,
    ):
        tag = f"{registry.address}/big:1"
        unique(tag, kilobytes=60 * 1024)
        image = ImageRef.parse(f"{tag}@{push(tag)}")
        docker("rmi", "--force", tag)
        free = engine.free_bytes()
        assert free is not None
        assert free < 60 * 1024 * 1024
        with pytest.raises(PullFailed, match="no space left on device"):
            engine.pull(image)
        assert engine.missing([image]) == (image,)


# --- credentials ----------------------------------------------------------------------------------


@pytest.fixture
def guarded(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Registry, ImageRef]]:
    """A registry that asks for a login, and an image at it."""
    with Registry(user=("ada", SECRET)) as registry:
        auth = base64.b64encode(f"ada:{SECRET}".encode()).decode()
        config = {"auths": {registry.address: {"auth": auth}}}
        (tmp_path / "config.json").write_text(json.dumps(config))
        tag = f"{registry.address}/guarded:1"
        unique(tag)
        with monkeypatch.context() as logged_in:
            logged_in.setenv("DOCKER_CONFIG", str(tmp_path))
            digest = push(tag)
        docker("rmi", "--force", tag)
        image = ImageRef.parse(f"{tag}@{digest}")
        yield registry, image
        with closing(DockerHost(host)) as engine:
            if not engine.missing([image]):
                docker("rmi", "--force", image.by_digest)


def test_a_pull_logs_in(guarded: tuple[Registry, ImageRef], host: str, tmp_path: Path) -> None:
    _, image = guarded
    asked = HttpRegistry(DockerLogins(tmp_path))
    with closing(DockerHost(host, registry=asked, logins=asked.logins)) as engine:
        engine.pull(image)
        assert engine.missing([image]) == ()
    assert asked.digest(image) == image.digest


@pytest.mark.parametrize("login", [None, ("ada", "wrong-" + SECRET)])
def test_a_pull_without_the_right_login_is_refused(
    guarded: tuple[Registry, ImageRef], host: str, login: tuple[str, str] | None
) -> None:
    registry, image = guarded
    asked = HttpRegistry(lambda _host: login)
    with closing(DockerHost(host, registry=asked, logins=asked.logins)) as engine:
        with pytest.raises(PermissionRefused) as caught:
            engine.pull(image)
        assert engine.missing([image]) == (image,)
    assert registry.address in caught.value.problem
    assert f"docker login {registry.address}" in caught.value.hint
    assert SECRET not in _everything(caught.value)


def _everything(error: BaseException) -> str:
    """All that a traceback could show of an error."""
    texts = []
    current: BaseException | None = error
    while current is not None:
        texts.append(f"{current} {current!r}")
        current = current.__cause__ or current.__context__
    return "\n".join(texts)


def test_the_engines_credentials_header() -> None:
    assert auth_headers("r.test", None) == {}
    plain = auth_headers("r.test", ("ada", "pw"))["X-Registry-Auth"]
    assert json.loads(base64.urlsafe_b64decode(plain)) == {
        "serveraddress": "r.test",
        "username": "ada",
        "password": "pw",
    }
    token = auth_headers("", ("<token>", "t"))["X-Registry-Auth"]
    assert json.loads(base64.urlsafe_b64decode(token)) == {
        "serveraddress": "https://index.docker.io/v1/",
        "identitytoken": "t",
    }


# --- progress -------------------------------------------------------------------------------------


def test_only_going_further_than_ever_is_progress() -> None:
    progress = Progress()
    line = {"id": "a", "status": "Downloading", "progressDetail": {"current": 10}}
    further = {**line, "progressDetail": {"current": 11}}
    assert progress.moved({"id": "a", "status": "Pulling fs layer", "progressDetail": {}})
    assert progress.moved(line)
    assert not progress.moved(line)
    assert not progress.moved({"id": "a", "status": "Retrying in 5 seconds", "progressDetail": {}})
    assert progress.moved(further)
    assert not progress.moved(line), "the engine begins again"
    assert progress.moved({"id": "b", "status": "Downloading", "progressDetail": {"current": 1}})
    assert progress.moved({"id": "a", "status": "Pull complete", "progressDetail": {}})


def test_the_bed_is_not_logged_in() -> None:
    """So that no test passes because of credentials that lie around."""
    config = Path(os.environ["DOCKER_CONFIG"]) / "config.json"
    assert not config.exists() or "auths" not in config.read_text()
