"""What Compose made of its files is remembered only for as long as nothing that matters has changed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from reconciler.adapters.compose import ComposeCli
from reconciler.adapters.compose.executable import Executable, Output
from reconciler.adapters.compose.remembered import Question, is_binary
from reconciler.domain.environment import Environment
from reconciler.ports import Model

ENVIRONMENT = Environment(
    name="test", pins="p", project="remembered", directory="..", compose=("docker-compose.yml",)
)
SPEC = {
    "services": {
        "web": {
            "image": "web:1",
            "depends_on": {"db": {"condition": "service_healthy", "required": True}},
            "ports": [{"published": "80", "protocol": "tcp"}],
            "network_mode": "service:db",
            "deploy": {"update_config": {"order": "start-first"}},
        },
        "db": {"image": "db:1", "volumes": [{"type": "bind", "source": "DATA"}]},
        "idle": {"image": "idle:1"},
    }
}


@dataclass(frozen=True)
class Scripted(Executable):
    """Compose that always says the same, and counts how often it is asked."""

    spec: dict[str, object] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def run(
        self, arguments: Sequence[str], environ: Mapping[str, str], folder: Path, text: str = ""
    ) -> Output:
        words = [word for word in arguments if word in ("version", "--hash", "json")]
        self.calls.append(words[0])
        said = {"version": "2.26.1", "json": json.dumps(self.spec), "--hash": "db 1\nweb 2\n"}
        return Output(0, said[words[0]], "")


@dataclass(frozen=True)
class World:
    """A project directory, and a new ``ComposeCli`` for each look at it, as each process has one."""

    folder: Path
    binary: Path
    environ: dict[str, str]

    @property
    def files(self) -> tuple[Path, ...]:
        return self.folder / "docker-compose.yml", self.folder / "state/pins.yaml"

    def look(self) -> tuple[Model, int]:
        """The model, and how many children that took."""
        spec = json.loads(json.dumps(SPEC).replace("DATA", str(self.folder / "data")))
        compose = Scripted((str(self.binary),), spec=spec)
        cli = ComposeCli(compose, self.environ, self.folder / "state", self.folder / "host")
        return cli.resolve(ENVIRONMENT, self.files), len(compose.calls)


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "state").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "docker-compose.yml").write_text(
        "services:\n  web: {image: '${IMAGE}', env_file: web.env}\n  db: {}\n"
    )
    (tmp_path / "state/pins.yaml").write_text("services: {}\n")
    (tmp_path / "web.env").write_text("A=1\n")
    binary = tmp_path / "docker-compose"
    shutil.copy(os.path.realpath(sys.executable), binary)
    return World(tmp_path, binary, {"IMAGE": "web:1", "HOME": "/root", "BUILD_NUMBER": "7"})


def test_a_second_process_asks_compose_nothing_and_gets_the_same(world: World) -> None:
    first, asked = world.look()
    assert asked == 4  # with env files, hashes are asked for once more
    assert world.look() == (first, 0)


def _append(name: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        with (world.folder / name).open("a") as file:
            file.write("# more\n")

    return change


def _link(world: World) -> None:
    (world.folder / "data").rmdir()
    (world.folder / "data").symlink_to("/etc")


CHANGES: dict[str, Callable[[World], None]] = {
    "a Compose file": _append("docker-compose.yml"),
    "the pins": _append("state/pins.yaml"),
    "an env file": _append("web.env"),
    "a new .env": _append(".env"),
    "an env file that is gone": lambda world: (world.folder / "web.env").unlink(),
    "a variable that a file mentions": lambda world: world.environ.update(IMAGE="web:2"),
    "a variable that Compose reads by itself": lambda world: world.environ.update(
        DOCKER_DEFAULT_PLATFORM="x"
    ),
    "Compose": lambda world: os.utime(world.binary, (1, 1)),
    "where a mounted path leads": _link,
    "what others may write": lambda world: (world.folder / "host/remembered.model.json").chmod(0o666),
    "a damaged memory": _append("host/remembered.model.json"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_compose_is_asked_again_after_a_change_of(change: Callable[[World], None], world: World) -> None:
    world.look()
    change(world)
    assert world.look()[1] > 0


def test_a_link_that_changes_changes_the_powers(world: World) -> None:
    before, _ = world.look()
    _link(world)
    after, _ = world.look()
    powers = [
        [service.powers for service in model.services if service.name == "db"] for model in (before, after)
    ]
    assert powers == [[()], [("host-folder:/etc",)]]


def test_a_variable_that_no_file_mentions_does_not_matter(world: World) -> None:
    world.look()
    world.environ["BUILD_NUMBER"] = "8"
    assert world.look()[1] == 0


def test_with_escapes_every_variable_matters(world: World) -> None:
    with (world.folder / "docker-compose.yml").open("a") as file:
        file.write('# "$BUILD\\x5fNUMBER"\n')
    world.look()
    world.environ["BUILD_NUMBER"] = "8"
    assert world.look()[1] > 0


@pytest.mark.parametrize(
    "text",
    ["include: [other.yml]\nservices: {}\n", "services: {web: {env_file: '${WHERE}.env'}}\n"],
    ids=["include", "a variable in a path"],
)
def test_what_cannot_be_told_is_not_remembered(text: str, world: World) -> None:
    (world.folder / "docker-compose.yml").write_text(text)
    (world.folder / "other.yml").write_text("services: {}\n")
    world.look()
    assert world.look()[1] > 0


def test_a_script_in_composes_place_is_not_trusted_to_stay_the_same(world: World) -> None:
    world.binary.write_text("#!/bin/sh\nexec other-compose\n")
    world.look()
    assert world.look()[1] > 0


def test_what_is_remembered_is_for_its_owner_alone_and_holds_no_variables(world: World) -> None:
    world.environ["SECRET"] = "s3cret"
    with (world.folder / "web.env").open("a") as file:
        file.write("PASSWORD=s3cret\nSECRET\n")
    world.look()
    kept = world.folder / "host/remembered.model.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert "s3cret" not in kept.read_text()


def test_a_state_directory_that_cannot_be_written_costs_only_time(world: World) -> None:
    (world.folder / "host").write_text("not a folder")
    assert world.look()[1] == world.look()[1] > 0


def test_the_digest_names_everything(world: World) -> None:
    question = Question(["-p", "x"], world.files, world.folder, world.environ, world.binary)
    others = [
        replace(question, flags=["-p", "y"]),
        replace(question, executable=Path("/bin/true")),
        replace(question, environ={}),
    ]
    assert len({one.digest([]) for one in (question, *others)}) == 4


def test_is_binary(tmp_path: Path) -> None:
    assert is_binary(Path(sys.executable))
    assert not is_binary(tmp_path / "missing")
