"""A Compose project of many services, in a Git repository of its own, on the bed's engine."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.child import Cost, run, timed

ENVIRONMENT = "benchmark"
SETTINGS = """\
version: 1
environments:
  {name}:
    project: {project}
    directory: ..
    compose: [docker-compose.yml]
{more}
"""
USUAL = ("gate: {timeout: 30s}",)


@dataclass(slots=True)
class Stack:
    """The project and its pins; ``folder`` is the repository.

    ``prefix`` is what ``reconcile`` is run by, as when it has to be in another network.
    """

    folder: Path
    project: str
    pins: dict[str, str]
    prefix: tuple[str, ...] = ()

    @property
    def pins_file(self) -> Path:
        """Where the pins are written."""
        return self.folder / "state" / ENVIRONMENT / "compose.pins.yaml"

    def commit(self, pins: Mapping[str, str]) -> None:
        """Pin other images, and commit that."""
        self.pins.update(pins)
        lines = [f"  {name}:\n    image: {image}\n" for name, image in sorted(self.pins.items())]
        self.pins_file.parent.mkdir(parents=True, exist_ok=True)
        self.pins_file.write_text("services:\n" + "".join(lines))
        run("git", "add", ".", folder=self.folder)
        run("git", "commit", "--quiet", "--allow-empty", "-m", "pins", folder=self.folder)

    def reconcile(self, *, code: int = 0) -> Cost:
        """``reconcile --once``, as a whole process that has to exit with ``code``."""
        return timed([*self.prefix, "reconcile", "--quiet", "--once"], self.folder, code=code)

    def compose(self, *command: str, code: int = 0) -> Cost:
        """``docker compose`` with the files of the project, as a user calls it."""
        files = ["-f", "docker-compose.yml", "-f", str(self.pins_file.relative_to(self.folder))]
        return timed(["docker", "compose", "-p", self.project, *files, *command], self.folder, code=code)

    def up(self) -> Cost:
        """``docker compose up -d``."""
        return self.compose("up", "-d")

    def container(self, service: str) -> str:
        """The id of a service's container."""
        label = f"label=com.docker.compose.project={self.project}"
        one = f"label=com.docker.compose.service={service}"
        return run(
            "docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", label, "--filter", one
        ).strip()


@contextmanager
def stack(compose: str, pins: Mapping[str, str], settings: Sequence[str] = USUAL) -> Iterator[Stack]:
    """A repository with these Compose services (YAML below ``services:``) and pins; nothing runs yet.

    ``settings`` are lines of the environment in reconcile.yaml.
    """
    folder = Path(tempfile.mkdtemp(prefix="reconcile-benchmark-"))
    made = Stack(folder, f"benchmark-{secrets.token_hex(3)}", {})
    before = os.environ.get("RECONCILE_STATE_DIR")
    os.environ["RECONCILE_STATE_DIR"] = str(folder / ".git" / "host")
    try:
        run("git", "init", "--quiet", "--initial-branch=main", folder)
        for name, value in (("user.name", "benchmark"), ("user.email", "benchmark@example.org")):
            run("git", "config", name, value, folder=folder)
        (folder / "docker-compose.yml").write_text(f"services:\n{compose}")
        (folder / "state").mkdir()
        more = "\n".join(f"    {line}" for line in settings)
        (folder / "state/reconcile.yaml").write_text(
            SETTINGS.format(name=ENVIRONMENT, project=made.project, more=more)
        )
        made.commit(pins)
        yield made
    finally:
        if (folder / "docker-compose.yml").exists():
            made.compose("down", "--timeout", "1", "--volumes")
        shutil.rmtree(folder)
        os.environ.pop("RECONCILE_STATE_DIR")
        if before is not None:
            os.environ["RECONCILE_STATE_DIR"] = before


def service(name: str, image: str, *lines: str) -> str:
    """One service as YAML."""
    return "".join([f"  {name}:\n    image: {image}\n", *(f"    {line}\n" for line in lines)])
