"""No evidence is no pass, and no blame: what could not be asked goes back, and waits until it can be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.e2e.gated import serving, waiting
from tests.e2e.origin import Origin
from tests.e2e.witness import Witness
from tests.e2e.world import World, await_answer


def customers(world: World) -> dict[str, object]:
    """A check that needs a secret; the program's own word for it must not show the value."""
    headers = {"Authorization": "Bearer ${PROBE_TOKEN}"}
    return {"http": {"url": f"{world.url}/api/v1/customers", "headers": headers, "status": 401}}


@pytest.mark.parametrize(
    ("tag", "host", "why"),
    [
        ("unresolvable", "nowhere.invalid", "the host's name cannot be resolved"),
        ("unreachable", "255.255.255.255", "there is no route to the host"),
    ],
)
def test_a_check_that_cannot_be_made_holds_a_release_back_until_it_can(
    origin: Origin, tag: str, host: str, why: str
) -> None:
    """Git is not touched, the pin is not blocked for good, and nothing has to be committed to go on.

    It is exit 11 and not 10: whether what is back is good could not be asked either.
    """
    world = origin.world
    world.settings["gate"]["timeout"] = "1s"
    port = world.url.rpartition(":")[2]
    world.variables["PROBE_HOST"] = host
    world.check("outside", f"http://${{PROBE_HOST}}:{port}/health")
    before = serving(world)
    release = origin.release(web=f"web:{tag}")
    with Witness(world, world.url, again=False):
        environment = world.once().expect(11).environment
        held = waiting(world.once().expect(0))
    assert environment["judgement"]["verdict"] == "inconclusive"
    assert environment["restored"]["verdict"] == "inconclusive"
    assert why in environment["judgement"]["reason"]
    assert environment["undo"] is None
    assert "waits until check outside is good" in held["services"][0]["cause"]
    assert serving(world) == before
    assert origin.tip() == release
    world.variables["PROBE_HOST"] = "127.0.0.1"
    with Witness(world, world.url):
        result = world.once().expect(0)
    assert result.environment["result"] == "converged", result.said
    await_answer(world.url, f"version={tag}")
    assert origin.tip() == release


def test_a_secret_that_is_not_set_is_found_before_anything_is_touched(origin: Origin) -> None:
    world = origin.world
    world.check("outside", customers(world))
    before = world.marks()
    release = origin.release(web="web:2")
    result = world.once().expect(64)
    assert "check outside needs PROBE_TOKEN" in result.environment["error"]["problem"]
    assert world.marks() == before
    world.variables["PROBE_TOKEN"] = world.canaries["CANARY_TOKEN"]
    with Witness(world, world.url):
        assert world.once().expect(0).environment["result"] == "converged"
    await_answer(world.url, "version=2")
    assert origin.tip() == release


def test_what_fails_with_the_predecessor_too_is_not_held_against_the_release(origin: Origin) -> None:
    """Exit 11 and exonerated; tried again by itself once what failed works, and not before."""
    world = origin.world
    world.settings["gate"]["timeout"] = "1s"
    before = serving(world)
    with elsewhere() as service:
        service.status = 500
        world.check("elsewhere", service.url)
        release = origin.release(web="web:2")
        with Witness(world, world.url, again=False):
            environment = world.once().expect(11).environment
            for _ in range(2):
                waiting(world.once().expect(0))
        assert environment["result"] == "rollback-failed"
        assert environment["exonerated"] == ["check elsewhere"]
        assert environment["undo"]["state"] == "off"
        assert "not to blame" in environment["undo"]["detail"]
        assert serving(world) == before
        service.status = 200
        with Witness(world, world.url):
            result = world.once().expect(0)
            assert result.environment["result"] == "converged", result.said
        await_answer(world.url, "version=2")
    assert origin.tip() == release


class Elsewhere:
    """Another service that the checks ask, too; it answers with ``status``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 200


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(service.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        service = Elsewhere(f"http://127.0.0.1:{server.server_port}/")
        thread = Thread(target=server.serve_forever, name="elsewhere")
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
