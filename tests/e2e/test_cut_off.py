"""Registry and remote go away while a release is taken back: the host is back at once, Git hears later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.bed.fault_proxy import FaultProxy
from tests.e2e.gated import STACK, serving
from tests.e2e.images import Images, forget
from tests.e2e.origin import Origin
from tests.e2e.prober import asked
from tests.e2e.test_git_undo_meanwhile import become_due
from tests.e2e.witness import Witness
from tests.e2e.world import World, await_answer, published


@pytest.fixture
def proxy(images: Images) -> Iterator[FaultProxy]:
    """What the registry is reached through; it can be stopped, and its images go with it."""
    with FaultProxy(images.registry.address) as proxy:
        yield proxy
    forget(proxy.address)


def test_a_rollback_needs_neither_registry_nor_remote(proxy: FaultProxy, world: World) -> None:
    """They go at the moment at which the new version serves and a check rejects it, and not before."""
    good, bad = (
        f"{proxy.address}/{world.images.pinned(tag).partition('/')[2]}" for tag in ("web:1", "web:2")
    )
    port, world.url = published()
    world.settings["rollback"] = {"git": "push"}
    world.stack(STACK.format(port=port), web=good, worker="web:1")
    world.once().expect(0)
    await_answer(world.url, "version=1")
    origin = Origin.of(world)
    before = serving(world)
    gone = origin.bare.with_suffix(".gone")

    def cut_off() -> None:
        proxy.stop()
        origin.bare.rename(gone)

    with rejecting(world.url, "version=2", cut_off) as check:
        world.check("outside", check)
        release = origin.release(web=bad)
        assert not gone.exists(), "the release reached the remote"
        with Witness(world, world.url) as witness:
            result = world.once().expect(10)
    environment = result.environment
    assert gone.exists(), "it was cut off during the pass"
    assert "check outside: 500" in environment["judgement"]["reason"]
    assert witness.versions[0] == witness.versions[-1] == "version=1"
    assert (environment["result"], environment["restored"]["verdict"]) == ("rolled-back", "pass")
    assert (environment["sync"], environment["health"]) == ("out-of-sync", "healthy")
    assert serving(world) == before, "the very same containers serve again"
    undo = environment["undo"]
    assert (undo["state"], undo["release"], undo["commit"]) == ("pending", release, None)
    assert "ahead of Git: web 2 → 1" in world.reconcile("status").expect(0).stdout
    become_due(world)
    assert world.once().expect(0).environment["undo"]["state"] == "pending"
    gone.rename(origin.bare)
    become_due(world)
    later = world.once().expect(0).environment
    assert (later["result"], later["undo"]["state"]) == ("no-op", "done")
    assert later["undo"]["commit"] == origin.expect_undone(release) == origin.tip()
    assert origin.git("rev-list", "--count", f"{release}..main") == "1"
    assert "ahead of Git" not in world.reconcile("status").expect(0).stdout
    assert serving(world) == before
    world.settle()


@contextmanager
def rejecting(url: str, answer: str, cut_off: Callable[[], None]) -> Iterator[str]:
    """The address of a service that fails while ``url`` gives ``answer``, and cuts off the first time."""
    done: list[bool] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            bad = asked(url) == answer
            if bad and not done:
                done.append(True)
                cut_off()
            self.send_response(500 if bad else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, name="outside")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
