"""Git, the state files and Compose, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from reconciler.adapters.state_files import YamlStateFiles
from reconciler.app.desired import DesiredState, Source
from reconciler.domain.check import Check, Cpu, Exec, Logs, Memory, Question, Tcp
from reconciler.domain.data import Data, Hook, Index, MeiliSearch, Moment, Restarted, Uses
from reconciler.domain.desired import Port, Service
from reconciler.domain.environment import Environment, Gate, Unpinned
from reconciler.errors import InvalidState, PermissionRefused
from reconciler.ports import Model
from tests.app.passes import FOLDER, PINS, SETTINGS, Passes
from tests.app.scene import Scene
from tests.bed.fake_engine import FakeWorld
from tests.domain.values import environment, image, svc


class StampedWorld(FakeWorld):
    """A Compose whose files are in the repository, and which can tell whether they moved."""

    def __init__(self) -> None:
        super().__init__()
        self.moves: object | None = 0
        self.resolved = 0
        self.referred: tuple[Path, ...] = ()
        self.inactive: tuple[str, ...] = ()

    def files(self, environment: Environment) -> tuple[Path, ...]:
        return (Path("/repository/deploy/compose.yaml"),)

    def inputs(self, environment: Environment, files: Sequence[Path]) -> tuple[Path, ...]:
        return self.referred

    def stamp(self, environment: Environment, files: Sequence[Path]) -> object | None:
        return self.moves

    def resolve(self, environment: Environment, files: Sequence[Path]) -> Model:
        self.resolved += 1
        model = super().resolve(environment, files)
        return Model(model.services, model.compose_version, self.inactive)


@dataclass
class Bench:
    """A desired state over a stamped world."""

    services: tuple[Service, ...]
    env: Environment = field(default_factory=environment)
    allowed: tuple[str, ...] = ()
    world: StampedWorld = field(default_factory=StampedWorld)

    def __post_init__(self) -> None:
        self.passes = Passes(Scene(self.services, env=self.env, world=self.world))
        self.state = self.fresh()

    def fresh(self, *, allow_dirty: bool = False) -> DesiredState:
        return DesiredState(
            self.passes.repository, YamlStateFiles(), self.world, FOLDER, allow_dirty, self.allowed
        )

    def read(self) -> Source:
        return self.state.read(self.env)

    def refused(self) -> list[str]:
        with pytest.raises(InvalidState) as caught:
            self.read()
        return [str(finding) for finding in caught.value.findings]


def test_pins_are_applied_and_the_rest_follows_the_files() -> None:
    bench = Bench((svc("web", "2"), svc("cache", pinned=False)))
    source = bench.read()
    assert [(s.name, s.image, s.pinned) for s in source.desired.services] == [
        ("cache", image("cache", "1"), False),
        ("web", image("web", "2"), True),
    ]
    assert source.desired.revision == bench.passes.repository.head()
    assert source.files == (Path("/repository/deploy/compose.yaml"), bench.passes.pins_file)
    assert source.pins_path == PINS


def test_the_environments_are_those_of_the_commit() -> None:
    bench = Bench((svc("web"),))
    bench.passes.repository.dirty["state/reconcile.yaml"] = SETTINGS.replace("production:", "staging:")
    assert [e.name for e in bench.state.environments()] == ["production"]
    assert [e.name for e in bench.fresh(allow_dirty=True).environments()] == ["staging"]


def test_the_environments_are_read_once_for_each_commit() -> None:
    bench = Bench((svc("web"),))
    repository = bench.passes.repository
    bench.state.environments()
    before = repository.reads
    assert [e.name for e in bench.state.environments()] == ["production"]
    assert repository.reads == before
    repository.put({"state/reconcile.yaml": SETTINGS.replace("production:", "staging:")})
    assert [e.name for e in bench.state.environments()] == ["staging"]


# --- uncommitted files -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [PINS, "state/other.txt", "deploy/compose.yaml", "deploy/.env"])
def test_uncommitted_files_are_refused_and_listed(path: str) -> None:
    bench = Bench((svc("web"),))
    bench.world.referred = (Path("/repository/deploy/.env"),)
    bench.passes.repository.dirty[path] = "half-edited"
    assert bench.refused() == [f"{path}: differs from the commit"]


def test_all_of_them_are_listed_at_once() -> None:
    bench = Bench((svc("web"),))
    bench.passes.repository.dirty |= {PINS: "x", "deploy/compose.yaml": "x", "src/main.py": "x"}
    assert bench.refused() == [
        "deploy/compose.yaml: differs from the commit",
        f"{PINS}: differs from the commit",
    ]


def test_allow_dirty_reads_what_lies_there_and_says_so() -> None:
    bench = Bench((svc("web"),))
    bench.passes.scene.release(web="2")
    bench.passes.repository.dirty[PINS] = f"services:\n  web:\n    image: {image('web', '2')}\n"
    bench.state = bench.fresh(allow_dirty=True)
    source = bench.read()
    assert source.desired.revision.dirty
    assert source.desired.service("web").image == image("web", "2")


def test_allow_dirty_with_everything_committed_is_not_dirty() -> None:
    bench = Bench((svc("web"),))
    bench.state = bench.fresh(allow_dirty=True)
    assert not bench.read().desired.revision.dirty


# --- what cannot be used -----------------------------------------------------------------------------


def test_a_pin_of_an_unknown_service_is_found_where_it_is() -> None:
    bench = Bench((svc("web"),))
    bench.world.pins["wbe"] = image("web", "1")
    bench.passes.commit()
    found = bench.refused()
    assert len(found) == 1
    assert found[0].startswith(f"{PINS}:3:3:")
    assert "did you mean 'web'" in found[0]


def test_a_pin_of_an_inactive_profile_is_known() -> None:
    bench = Bench((svc("web"),))
    bench.world.pins["debug"] = image("debug", "1")
    bench.passes.commit()
    bench.world.inactive = ("debug",)
    assert bench.read().desired.inactive == ("debug",)


def test_a_check_names_services_that_are_there() -> None:
    questions: tuple[Question, ...] = (
        Logs(("web", "wbe")),
        Memory(("web",)),
        Cpu(("gone",)),
        Exec("dbb", ("true",)),
        Tcp("h", 1),
    )
    checks = tuple(Check(f"c{number}", question) for number, question in enumerate(questions))
    bench = Bench((svc("web"), svc("db")), env=environment(gate=Gate(checks=checks)))
    assert bench.refused() == [
        f"state/reconcile.yaml: check {check!r} names service {service!r}, "
        "which the Compose files do not have (services there: db, web)"
        for check, service in (("c0", "wbe"), ("c2", "gone"), ("c3", "dbb"))
    ]


def test_a_check_cannot_look_into_a_service_of_an_inactive_profile() -> None:
    gate = Gate(checks=(Check("logs", Logs(("debug",))),))
    bench = Bench((svc("web"),), env=environment(gate=gate))
    bench.world.inactive = ("debug",)
    (found,) = bench.refused()
    assert "check 'logs' names service 'debug', whose profile is not active" in found


def test_what_data_names_is_there() -> None:
    data = Data(
        search=MeiliSearch("http://h", (Index("c"),), Restarted("wbe")),
        uses=(Uses("web"), Uses("gone", ("search",))),
        hooks=(Hook(Moment.AFTER_RELEASE, ("true",), "dbb"), Hook(Moment.AFTER_RELEASE, ("true",), "db")),
    )
    bench = Bench((svc("web"), svc("db")), env=replace(environment(), data=data))
    assert bench.refused() == [
        f"state/reconcile.yaml: {what} names service {service!r}, "
        "which the Compose files do not have (services there: db, web)"
        for what, service in (
            ("'services'", "gone"),
            ("a hook after-release", "dbb"),
            ("the search server's rebuild", "wbe"),
        )
    ]


def test_unpinned_services_where_everything_must_be_pinned() -> None:
    services = (svc("web"), svc("db", pinned=False), svc("cache", pinned=False))
    bench = Bench(services, env=environment(unpinned=Unpinned.REFUSE))
    assert bench.refused() == [
        f"{PINS}: service 'cache' has no pin (unpinned: refuse)",
        f"{PINS}: service 'db' has no pin (unpinned: refuse)",
    ]


@pytest.mark.parametrize(
    ("services", "message"),
    [
        (
            (svc("a", ports=(Port("", 80),)), svc("b", ports=(Port("127.0.0.1", 80),))),
            "services 'a' and 'b' both publish host port *:80/tcp",
        ),
        (
            (svc("a", container_name="front"), svc("b", container_name="front")),
            "services 'a' and 'b' both have container_name 'front'",
        ),
        (
            (svc("a", needs=["b"]), svc("b", needs=["a"])),
            "services wait for each other: a → b → a",
        ),
    ],
)
def test_what_compose_accepts_and_the_engine_cannot_do(services: tuple[Service, ...], message: str) -> None:
    assert Bench(services).refused() == [f"{PINS}: {message}"]


def test_all_problems_are_told_at_once() -> None:
    services = (svc("a", ports=(Port("", 80),)), svc("b", ports=(Port("", 80),), pinned=False))
    bench = Bench(services, env=environment(unpinned=Unpinned.REFUSE))
    bench.world.pins["x"] = image("x", "1")
    bench.passes.commit()
    assert len(bench.refused()) == 3


def test_powers_need_the_hosts_word() -> None:
    bench = Bench((svc("traefik", powers=("docker-socket",)), svc("web")))
    with pytest.raises(PermissionRefused, match="traefik asks for docker-socket") as caught:
        bench.read()
    assert "RECONCILE_ALLOW=production/traefik:docker-socket" in caught.value.hint
    bench.allowed = ("production/traefik:docker-socket",)
    bench.state = bench.fresh()
    assert bench.read().desired.service("traefik").powers == ("docker-socket",)


def test_hooks_on_the_host_itself_need_the_hosts_word() -> None:
    data = Data(hooks=(Hook(Moment.BEFORE_RELEASE, ("true",)),))
    bench = Bench((svc("web"),), env=replace(environment(), data=data))
    with pytest.raises(PermissionRefused, match="ask to run on the host itself") as caught:
        bench.read()
    assert "RECONCILE_ALLOW=production/hooks:host" in caught.value.hint
    bench.allowed = ("production/hooks:host",)
    bench.state = bench.fresh()
    assert bench.read().desired.environment.data == data


def test_what_compose_files_refer_to_elsewhere_on_the_host_is_refused() -> None:
    bench = Bench((svc("web"),))
    bench.world.referred = (Path("/etc/shadow"),)
    assert bench.refused() == ["/etc/shadow: it lies outside of the project directory and the repository"]


# --- read once while nothing moves -------------------------------------------------------------------


def test_while_nothing_moves_it_is_read_once() -> None:
    bench = Bench((svc("web"),))
    first = bench.read()
    assert bench.read() is first
    assert bench.world.resolved == 1


def test_a_commit_a_dirty_file_or_a_moved_compose_file_is_read_again() -> None:
    bench = Bench((svc("web"),))
    first = bench.read()
    bench.passes.release(web="2")
    second = bench.read()
    assert second.desired.service("web").image == image("web", "2")
    bench.world.moves = 1
    assert bench.read() is not second
    bench.passes.repository.dirty[PINS] = "half-edited"
    assert len(bench.refused()) == 1
    assert first.desired.revision != second.desired.revision


def test_where_it_cannot_be_told_it_is_read_each_time() -> None:
    bench = Bench((svc("web"),))
    bench.world.moves = None
    bench.read()
    bench.read()
    assert bench.world.resolved == 2


def test_a_failed_reading_is_not_remembered() -> None:
    bench = Bench((svc("web"),))
    bench.passes.repository.dirty[PINS] = "half-edited"
    assert bench.refused()
    assert bench.refused()
    bench.passes.repository.dirty.clear()
    assert bench.read().desired.service("web").pinned
