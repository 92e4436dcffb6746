"""An environment with databases: what runs, what is written, backups and restores of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial

from reconciler.app.backup import BackedUp, Backups
from reconciler.app.by_hand import let_go_back
from reconciler.app.choosing import Chosen
from reconciler.app.fenced import fenced_documents
from reconciler.app.host import Host
from reconciler.app.leaf_memory import remembering
from reconciler.app.restore import Restore, restore_alone
from reconciler.domain.backups import Purpose
from reconciler.domain.data import CouchDb, Data, Uses
from reconciler.domain.environment import Environment
from reconciler.domain.restoring import Difference, Restored
from tests.app.passes import Passes
from tests.app.scene import Scene
from tests.bed.fake_documents import Database, FakeDocuments, attachment
from tests.domain.values import environment, svc

DATABASES = ("kompass", "team/notes")
RUNS = "proxy-1=1 web-1=1 web-2=1"


@dataclass(slots=True)
class FakeExports:
    """The `Exports` port; files are kept by their names."""

    files: dict[str, list[str]] = field(default_factory=dict)

    def write(self, environment: Environment, name: str, lines: Iterable[str]) -> str:
        """See `ports.Exports`."""
        written = list(lines)
        if written:
            self.files[name] = written
        return f"/state/{name}" if written else ""


@dataclass(slots=True)
class Restores:
    """One environment, whose service `web` writes to its databases, and `proxy` does not."""

    passes: Passes
    server: FakeDocuments = field(default_factory=FakeDocuments)
    exports: FakeExports = field(default_factory=FakeExports)
    before: Callable[[], object] = lambda: None
    after: Callable[[], tuple[str, ...]] = lambda: ()

    @property
    def couch(self) -> CouchDb:
        couch = self.passes.scene.env.data.couchdb
        assert couch is not None
        return couch

    @property
    def backups(self) -> Backups:
        host = self.passes.scene.host
        return Backups(host, fenced_documents(self.server, host), self.couch)

    @property
    def kompass(self) -> Database:
        return self.server.there["kompass"]

    def back_up(
        self, *, purpose: Purpose = Purpose.ASKED, release: str = "", seconds: float = 60
    ) -> BackedUp:
        """A backup; some time passes first."""
        self.passes.scene.clock.passed += seconds
        return self.backups.back_up(purpose=purpose, release=release)

    @property
    def restore(self) -> Restore:
        passes = self.passes
        return Restore(
            passes.scene.env,
            passes.journal,
            passes.pauses,
            remembering(self.server),
            self.exports,
            "ada",
            before=self.begin,
            told=partial(let_go_back, passes.reconciler),
            after=lambda: self.after(),
        )

    def begin(self, _host: Host) -> tuple[str, ...]:
        """What comes before the data change."""
        self.before()
        return ()

    def plan(self, wanted: str = "") -> tuple[Chosen, tuple[Difference, ...]]:
        return self.restore.plan(self.passes.scene.host, wanted)

    def go_back(self, wanted: str = "") -> Restored:
        """A restore; a minute passes first."""
        self.passes.scene.clock.passed += 60
        return restore_alone(self.passes.reconciler, self.restore, wanted)

    def says(self) -> dict[str, object]:
        """What is in every database that applications use."""
        return {name: self.server.there[name].says() for name in DATABASES if name in self.server.there}

    @property
    def running(self) -> str:
        return self.passes.scene.running()


def stage(*, keep: int = 7) -> Restores:
    """An environment that runs, with two databases."""
    data = Data(CouchDb("http://fake:5984", DATABASES, keep=keep), uses=(Uses("web", ("couchdb",)),))
    env = replace(environment(), data=data)
    services = (svc("proxy"), svc("web", restart="always", replicas=2))
    restores = Restores(Passes(Scene(services, env=env)).up())
    kompass, notes = restores.server.new("kompass"), restores.server.new("team/notes")
    kompass.put("_design/orders", {"views": {"all": {"map": "1"}}})
    for number in range(5):
        kompass.put(f"order-{number}", {"total": number})
    kompass.put("order-1", {"total": 11})
    kompass.put("with-file", {"_attachments": {"scan": attachment("first")}})
    kompass.conflict("order-2", {"total": "from a peer"}, "f")
    kompass.put("old", {})
    kompass.delete("old")
    kompass.notes["settings"] = '{"mine":1}'
    notes.put("hello", {"text": "world"})
    return restores


def written_since(restores: Restores) -> None:
    """What a bad release does to the data."""
    kompass, notes = restores.kompass, restores.server.there["team/notes"]
    kompass.put("_design/orders", {"views": {"all": {"map": "2"}}})
    kompass.put("order-0", {"total": "broken"})
    kompass.put("order-0", {"total": "more broken"})
    kompass.delete("order-1")
    kompass.delete("order-2")
    kompass.purge("order-3")
    kompass.put("with-file", {"_attachments": {"scan": attachment("second"), "more": attachment("x")}})
    kompass.put("new", {"total": 1})
    kompass.put("old", {"back": "to life"})
    kompass.conflict("order-4", {"total": "of another peer"}, "e", generation=3)
    kompass.security = '{"members":{"roles":["everybody"]}}'
    notes.put("hello", {"text": "gone"})


def bad_release() -> tuple[Restores, str, dict[str, object], dict[str, object]]:
    """Backed up, then written to: the stamp, what it said then, and what it says now."""
    restores = stage()
    (first, *_) = restores.back_up().backups
    then = restores.says()
    written_since(restores)
    return restores, first.name[-15:], then, restores.says()
