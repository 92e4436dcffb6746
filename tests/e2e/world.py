"""One environment in a world of its own: a repository, a Compose project, the program as users run it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.bed.registry import free_port
from tests.bed.tools import BedError, docker, terminate, wait_until
from tests.e2e.containers import Container, container
from tests.e2e.images import Images
from tests.e2e.prober import asked
from tests.e2e.runs import Result, Run, program

PROJECT_LABEL = "com.docker.compose.project"


class World:
    """A repository with ``app/`` and ``state/``, and everything that happens around it.

    Each run has the variables of ``canaries``, whose values may appear nowhere; a `Witness` looks for them.
    It also has those of ``variables``. ``settings`` are those of its environment, ``beside`` those of others
    in the same repository, by name.

    >>> world.stack("services: {web: {image: web}}", web="web:1")
    >>> world.once().expect(0)
    """

    def __init__(self, root: Path, images: Images, host: str | None = None) -> None:
        self.root = root
        self.images = images
        self.host = host or os.environ["DOCKER_HOST"]
        self.project = f"e2e-{secrets.token_hex(4)}"
        self.repository = root / "repository"
        self.app = self.repository / "app"
        self.state = self.repository / "state"
        self.url = ""
        self.pins: dict[str, str] = {}
        self.settings: dict[str, Any] = {
            "project": self.project,
            "directory": "../app",
            "compose": ["docker-compose.yml"],
            "gate": {"timeout": "15s", "soak": "0s"},
        }
        if host:
            self.settings["engine"] = {"host": host}
        self.beside: dict[str, dict[str, Any]] = {}
        self.canaries = {name: canary() for name in ("CANARY_EMAIL", "CANARY_PASSWORD", "CANARY_TOKEN")}
        self.variables: dict[str, str] = {}
        self.started: list[Run] = []

    def __enter__(self) -> Self:
        home = self.root / "home"
        for folder in (home, self.root / "tmp", self.app, self.state / "production"):
            folder.mkdir(parents=True)
        identity = "[user]\n  name = Ada\n  email = ada@example.org\n[init]\n  defaultBranch = main\n"
        (home / ".gitconfig").write_text(f"{identity}[advice]\n  detachedHead = false\n")
        self.git("init", "--quiet")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for run in self.started:
            terminate(run.process)
        try:
            self.remove_everything()
        except BedError:
            if kind is None:
                raise

    # -- the program ------------------------------------------------------------------------------

    @property
    def environ(self) -> dict[str, str]:
        """All that a run knows of its surroundings."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root / "tmp"),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "DOCKER_CONFIG": os.environ["DOCKER_CONFIG"],
            "DOCKER_HOST": self.host,
            "RECONCILE_STATE_DIR": str(self.root / "memory"),
            **self.canaries,
            **self.variables,
        }

    def reconcile(
        self,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        folder: Path | None = None,
    ) -> Result:
        """Run the console script to its end, as a child of its own."""
        return self.start(*arguments, environ=environ, prefix=prefix, folder=folder).result()

    def start(
        self,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
        folder: Path | None = None,
    ) -> Run:
        """Run the console script, in a process group of its own; what it says goes into files."""
        place = self.root / f"run-{len(self.started):02}"
        place.mkdir()
        with (place / "stdout").open("wb") as out, (place / "stderr").open("wb") as err:
            process = subprocess.Popen(
                [*prefix, program(), *arguments],
                cwd=folder or self.repository,
                env={**self.environ, **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        run = Run(arguments, process, place)
        self.started.append(run)
        return run

    def once(self, *arguments: str, **more: Any) -> Result:
        """One pass, reported as JSON."""
        return self.reconcile("-o", "json", *arguments, "--once", **more)

    def settle(self) -> None:
        """A second pass does nothing and says so, and nothing is left over."""
        before = self.marks()
        result = self.reconcile("--once").expect(0)
        assert result.stdout.startswith("No changes."), result.said
        assert self.marks() == before
        self.expect_no_leftovers()

    def expect_no_leftovers(self) -> None:
        """Nothing on the engine or in the temporary folder but what serves (I-7)."""
        odd = [name for name in self.marks() if name.endswith((".successor", ".predecessor"))]
        odd += [c.name for c in self.containers() if "reconcile.template" in c.content["Config"]["Labels"]]
        assert not odd
        assert not list((self.root / "tmp").iterdir())

    # -- Git and files ----------------------------------------------------------------------------

    def git(self, *arguments: str, folder: Path | None = None) -> str:
        """Run git as a person would; returns its output without white space around it."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder or self.repository,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise BedError(
                f"git {' '.join(arguments)} exited with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout.strip()

    @property
    def pins_file(self) -> Path:
        return self.state / "production" / "compose.pins.yaml"

    def write(self, path: str, text: str) -> None:
        """A file of the application's folder."""
        file = self.app / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))

    def commit(self, message: str = "Change something") -> str:
        """Write settings and pins as they are now, and commit everything; returns the commit."""
        document = {"version": 1, "environments": {"production": self.settings, **self.beside}}
        (self.state / "reconcile.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
        lines = [f"  {name}:\n    image: {image}\n" for name, image in sorted(self.pins.items())]
        self.pins_file.write_text("services:\n" + "".join(lines) if lines else "services: {}\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def stack(self, compose: str, **pins: str) -> str:
        """Commit a Compose file and the pins of its services: ``web="web:1"``."""
        self.write("docker-compose.yml", compose)
        return self.release(**pins)

    def release(self, **pins: str) -> str:
        """Commit new pins; a name of the catalogue, or a whole reference."""
        named = {name: ref if "@" in ref else self.images.pinned(ref) for name, ref in pins.items()}
        self.pins |= named
        return self.commit(f"Release {', '.join(pins.values())}")

    def revert(self) -> str:
        """``git revert HEAD``, as a person does it; the world follows."""
        self.git("revert", "--no-edit", "HEAD")
        document = yaml.safe_load(self.pins_file.read_text())
        self.pins = {name: service["image"] for name, service in document["services"].items()}
        return self.git("rev-parse", "HEAD")

    def check(self, name: str, question: str | Mapping[str, Any], **more: Any) -> None:
        """Add a check to the gate; written with the next commit.

        >>> world.check("web", f"{url}/health", severity="high")
        >>> world.check("port", {"tcp": "localhost:5432"})
        """
        asked = {"http": {"url": question}} if isinstance(question, str) else question
        self.settings["gate"].setdefault("checks", {})[name] = {**asked, **more}

    # -- the engine -------------------------------------------------------------------------------

    def docker(self, *arguments: str) -> str:
        """Run the docker command as a person on the host would."""
        return docker(*arguments, host=self.host)

    def by_hand(self, *arguments: str, files: Sequence[str] | None = None) -> str:
        """Run plain Compose on the project: with the base files and the pins, unless told otherwise."""
        chosen = files or [*(str(self.app / name) for name in self.settings["compose"]), str(self.pins_file)]
        flags = [flag for file in chosen for flag in ("--file", file)]
        where = ("--project-name", self.project, "--project-directory", str(self.app))
        return self.docker("compose", *where, *flags, *arguments)

    def containers(self) -> list[Container]:
        """All containers of the project, by name; looks again when one goes away in between."""
        label = f"label={PROJECT_LABEL}={self.project}"
        while ids := self.docker("ps", "--all", "--quiet", "--no-trunc", "--filter", label).split():
            try:
                inspected = json.loads(self.docker("inspect", *ids))
            except BedError as error:
                if "No such object" not in str(error):
                    raise
            else:
                return sorted(map(container, inspected), key=lambda one: one.name)
        return []

    def container(self, service: str) -> Container:
        """The only container of a service."""
        (found,) = [container for container in self.containers() if container.service == service]
        return found

    def container_of(self, service: str, tag: str) -> Container:
        """The only container of a service that was made from ``tag``."""
        of_tag = [c for c in self.containers() if c.image.partition("@")[0].endswith(f":{tag}")]
        (found,) = [container for container in of_tag if container.service == service]
        return found

    def marks(self) -> dict[str, tuple[str, ...]]:
        """Every container by name, with what stays the same while nobody touches it."""
        return {container.name: container.mark for container in self.containers()}

    def images_of(self, *services: str) -> list[str]:
        """The tags that these services run; ``-`` where none runs."""
        running = {c.service: c for c in self.containers() if c.status == "running"}
        tags = {name: c.image.partition("@")[0].rpartition(":")[2] for name, c in running.items()}
        return [tags.get(service, "-") for service in services]

    def runs(self, service: str, tag: str) -> bool:
        """Whether some running container of ``service`` was made from ``tag``."""
        return any(
            c.service == service and c.status == "running" and c.image.partition("@")[0].endswith(f":{tag}")
            for c in self.containers()
        )

    def await_that(self, service: str, tag: str) -> None:
        """Wait until ``service`` runs ``tag``."""
        wait_until(lambda: self.runs(service, tag), seconds=30, what=f"{service} runs {tag}")

    def remove_everything(self) -> None:
        """Containers, networks and volumes of all projects, anonymous ones and leases included."""
        for project in (self.project, *(settings["project"] for settings in self.beside.values())):
            self._remove(project)

    def _remove(self, project: str) -> None:
        label = f"label={PROJECT_LABEL}={project}"
        for mark in (label, f"label=reconcile.lease={project}"):
            if ids := self.docker("ps", "--all", "--quiet", "--filter", mark).split():
                self.docker("rm", "--force", "--volumes", *ids)
        if ids := self.docker("network", "ls", "--quiet", "--filter", label).split():
            self.docker("network", "rm", *ids)
        if ids := self.docker("volume", "ls", "--quiet", "--filter", label).split():
            self.docker("volume", "rm", *ids)


def canary() -> str:
    """A secret that nobody else has, and that wants to be escaped."""
    return f"{secrets.token_hex(8)}+{secrets.token_hex(8)}/="


def published() -> tuple[int, str]:
    """A free loopback port, and the URL at which a service will answer there."""
    port = free_port()
    return port, f"http://127.0.0.1:{port}"


def await_answer(url: str, text: str, seconds: float = 15) -> None:
    """Wait until ``url`` answers with ``text``."""
    wait_until(lambda: asked(url) == text, seconds=seconds, what=f"{url} answers {text}")
