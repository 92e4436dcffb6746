"""The bed itself, against the real engine: what every other test takes for granted."""

import http.client
import json
import subprocess
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bed.fault_proxy import FaultProxy, Mode
from tests.bed.private_engine import PrivateEngine, mounts_under, processes
from tests.bed.registry import Registry, push
from tests.bed.running import Running, get
from tests.bed.tools import BedError, docker, wait_until
from tests.images.build import build

IMAGE = "reconcile-bed/web:1"


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with Registry() as registry:
        yield registry


@pytest.fixture(scope="module")
def pushed(registry: Registry) -> str:
    """`web@sha256:…`, to be pulled through whichever address."""
    tag = f"{registry.address}/web:1"
    build(tag, version="pushed")
    digest = push(tag)
    docker("rmi", tag)
    return f"web@{digest}"


@pytest.fixture(scope="module")
def web() -> str:
    build(IMAGE, version="bed")
    return IMAGE


def test_the_image_answers_writes_and_leaves_at_once(web: str) -> None:
    with Running(web) as running:
        assert get(f"{running.url}/health") == (200, "version=bed\n")
        assert get(f"{running.url}/write?a=1")[0] == 200
        assert get(f"{running.url}/read") == (200, "a=1\n")
        docker("stop", "--time", "5", running.id)
        assert docker("inspect", "--format", "{{.State.ExitCode}}", running.id).strip() == "0"


def test_the_image_misbehaves_when_told_to(web: str) -> None:
    with pytest.raises(BedError, match="exited with 7"):
        docker("run", "--rm", "--env", "CRASH=7", web)
    with pytest.raises(BedError, match="dies after"):
        docker("run", "--rm", "--env", "DIE_AFTER=0.1", web)
    with Running(web, STATUS="503") as running:
        assert get(f"{running.url}/health") == (503, "version=bed\n")
    assert docker("run", "--rm", web, "/bin/busybox", "sh", "-c", "exit 0") == ""


def test_a_baked_switch_makes_a_bad_image() -> None:
    build("reconcile-bed/web:bad", variant="health", version="3", STATUS="500")
    with Running("reconcile-bed/web:bad") as running:
        assert get(f"{running.url}/health") == (500, "version=3\n")
        health = ("inspect", "--format", "{{.State.Health.Status}}", running.id)
        wait_until(lambda: docker(*health).strip() == "unhealthy", seconds=15, what="unhealthy")


def test_the_volume_variant_declares_a_volume() -> None:
    build("reconcile-bed/web:volume", variant="volume")
    volumes = docker("inspect", "--format", "{{json .Config.Volumes}}", "reconcile-bed/web:volume")
    assert json.loads(volumes) == {"/data": {}}


def test_a_pushed_image_can_be_pulled_by_digest(registry: Registry, pushed: str) -> None:
    docker("pull", "--quiet", f"{registry.address}/{pushed}")
    docker("rmi", f"{registry.address}/{pushed}")


def test_a_registry_keeps_its_images_over_a_restart(registry: Registry, pushed: str) -> None:
    registry.stop()
    with pytest.raises(OSError, match="refused"):
        get(f"{registry.url}/v2/")
    registry.start()
    assert get(f"{registry.url}/v2/web/manifests/{pushed.partition('@')[2]}")[0] == 200


def test_a_registry_with_a_user_asks_for_the_password() -> None:
    with Registry(user=("ada", "s3cret")) as registry:
        assert get(f"{registry.url}/v2/")[0] == 401
        login = b64encode(b"ada:s3cret").decode()
        request = urllib.request.Request(f"{registry.url}/v2/", headers={"Authorization": f"Basic {login}"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 200


@pytest.fixture
def proxy(registry: Registry, pushed: str) -> Iterator[FaultProxy]:
    with FaultProxy(registry.address) as proxy:
        yield proxy


def test_the_proxy_relays_pushes_and_pulls_unchanged(proxy: FaultProxy, web: str) -> None:
    tag = f"{proxy.address}/other:1"
    docker("tag", web, tag)
    digest = push(tag)
    docker("rmi", tag)
    docker("pull", "--quiet", f"{proxy.address}/other@{digest}")
    docker("rmi", f"{proxy.address}/other@{digest}")
    assert not proxy.failed


def test_the_proxy_keeps_repeated_headers(proxy: FaultProxy, pushed: str) -> None:
    connection = http.client.HTTPConnection(proxy.address, timeout=5)
    digest = pushed.partition("@")[2]
    connection.putrequest("GET", f"/v2/web/manifests/{digest}")
    for kind in (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ):
        connection.putheader("Accept", f"application/vnd.{kind}")
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.getheader("Docker-Content-Digest") == digest
    connection.close()
    assert proxy.requests[-1].head.count(b"Accept: ") == 2


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("429", "fault proxy says 429"),
        ("401", "unauthorized"),
        ("500", "500 Internal Server Error"),
        ("corrupt", "verification failed"),
    ],
)
def test_the_engine_meets_the_fault(proxy: FaultProxy, pushed: str, mode: str, says: str) -> None:
    proxy.fail(mode)
    with pytest.raises(BedError, match=says):
        docker("pull", "--quiet", f"{proxy.address}/{pushed}")
    assert proxy.failed
    proxy.recover()
    docker("pull", "--quiet", f"{proxy.address}/{pushed}")
    docker("rmi", f"{proxy.address}/{pushed}")


@pytest.mark.parametrize("mode", ["500blob", "reset", "truncate", "stall", "drip"])
def test_a_client_meets_the_fault(proxy: FaultProxy, pushed: str, mode: str) -> None:
    """Straight at the proxy: the engine retries these for up to a minute and more."""
    layer = largest_blob(proxy, pushed)
    proxy.fail(mode)
    started = time.monotonic()
    outcome = fetch(proxy, layer)
    assert outcome == {
        "500blob": "500",
        "reset": "ConnectionResetError",
        "truncate": "IncompleteRead",
        "stall": "TimeoutError",
        "drip": "TimeoutError",
    }.get(mode)
    assert time.monotonic() - started < 5
    assert [request.mode for request in proxy.failed] == [Mode(mode)]
    proxy.recover()
    assert fetch(proxy, layer) == "200"


def test_a_fault_can_hit_so_many_times_only(proxy: FaultProxy, pushed: str) -> None:
    layer = largest_blob(proxy, pushed)
    proxy.fail("500blob", times=1)
    assert [fetch(proxy, layer), fetch(proxy, layer)] == ["500", "200"]


def test_429_says_when_to_come_again(proxy: FaultProxy) -> None:
    proxy.fail("429")
    connection = http.client.HTTPConnection(proxy.address, timeout=5)
    connection.request("HEAD", "/v2/web/manifests/1")
    assert connection.getresponse().getheader("Retry-After") == "7"
    connection.close()


def largest_blob(proxy: FaultProxy, pushed: str) -> str:
    digest = pushed.partition("@")[2]
    request = urllib.request.Request(
        f"{proxy.url}/v2/web/manifests/{digest}",
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        layers = json.load(answer)["layers"]
    chosen: str = max(layers, key=lambda layer: layer["size"])["digest"]
    return f"/v2/web/blobs/{chosen}"


def fetch(proxy: FaultProxy, path: str) -> str:
    """The status of a complete answer, or else the name of the failure."""
    connection = http.client.HTTPConnection(proxy.address, timeout=1.5)
    deadline = time.monotonic() + 1.5
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        while answer.read1(65536):
            if time.monotonic() > deadline:
                raise TimeoutError
        if answer.length:
            raise http.client.IncompleteRead(b"", answer.length)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()
    return str(answer.status)


def test_a_private_engine_runs_is_killed_and_comes_back(registry: Registry, pushed: str) -> None:
    with PrivateEngine() as engine:
        with FaultProxy(registry.address, listener=engine.listener(registry.port)) as inside:
            docker("pull", "--quiet", f"{registry.address}/{pushed}", host=engine.host)
            assert inside.requests
        image = f"{registry.address}/{pushed}"
        docker("run", "--detach", "--publish", "127.0.0.1:8080:8080", image, host=engine.host)
        engine.connect(8080).close()
        engine.kill()
        with pytest.raises(BedError, match="Cannot connect"):
            docker("version", host=engine.host)
        engine.start()
        assert len(docker("ps", "--all", "--quiet", host=engine.host).split()) == 1
        home, pid = engine.home, engine.pid
    assert not home.exists()
    assert not Path(f"/run/netns/{engine.name}").exists()
    assert pid not in dict(processes())


def test_the_disk_of_a_private_engine_fills_up(tmp_path: Path, web: str) -> None:
    saved = tmp_path / "image.tar"
    docker("save", "--output", str(saved), web)
    with PrivateEngine(megabytes=32) as engine:
        home = engine.home
        with pytest.raises(subprocess.CalledProcessError):
            subprocess.run(
                ["dd", "if=/dev/zero", f"of={engine.data}/ballast", "bs=1M"], check=True, capture_output=True
            )
        with pytest.raises(BedError, match="no space left on device"):
            docker("load", "--input", str(saved), host=engine.host)
        (engine.data / "ballast").unlink()
        docker("load", "--input", str(saved), host=engine.host)
    assert not mounts_under(home)
