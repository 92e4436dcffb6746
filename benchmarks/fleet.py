"""Several environments in one repository, on the bed's engine: one Compose project each, all alike."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bed import Image
from benchmarks.child import run
from benchmarks.stack import service

ENVIRONMENT = """\
  {name}:
    project: {project}
    directory: ..
    compose: [docker-compose.yml]
    gate: {{timeout: 30s}}
"""


@dataclass(frozen=True, slots=True)
class Fleet:
    """The repository, and the projects by environment."""

    folder: Path
    projects: dict[str, str]

    def up(self) -> None:
        """``docker compose up -d``, one project after the other."""
        for name, project in self.projects.items():
            files = ("-f", "docker-compose.yml", "-f", f"state/{name}/compose.pins.yaml")
            run("docker", "compose", "-p", project, *files, "up", "-d", folder=self.folder)

    def down(self) -> None:
        """Remove their containers, which have nothing else."""
        for project in self.projects.values():
            label = f"label=com.docker.compose.project={project}"
            if found := run("docker", "ps", "--all", "--quiet", "--filter", label).split():
                run("docker", "rm", "--force", *found)


@contextmanager
def fleet(environments: int, services: int, image: Image) -> Iterator[Fleet]:
    """So many environments with so many services each; all of them run.

    They have no network: a thousand addresses in ten networks are not what is measured.
    """
    folder, base = Path(tempfile.mkdtemp(prefix="reconcile-benchmark-")), f"benchmark-{secrets.token_hex(3)}"
    made = Fleet(folder, {f"e{number:02d}": f"{base}-{number:02d}" for number in range(environments)})
    try:
        _write(made, [f"s{number:03d}" for number in range(services)], image)
        made.up()
        yield made
    finally:
        made.down()
        shutil.rmtree(folder)


def _write(made: Fleet, names: Sequence[str], image: Image) -> None:
    """The Compose file that all share, the pins and settings of each, and a commit of it all."""
    (made.folder / "docker-compose.yml").write_text(
        "services:\n" + "".join(service(name, image.tag, "network_mode: none") for name in names)
    )
    pins = "services:\n" + "".join(f"  {name}:\n    image: {image.pin}\n" for name in names)
    settings = "version: 1\nenvironments:\n"
    for name, project in made.projects.items():
        (made.folder / "state" / name).mkdir(parents=True)
        (made.folder / "state" / name / "compose.pins.yaml").write_text(pins)
        settings += ENVIRONMENT.format(name=name, project=project)
    (made.folder / "state" / "reconcile.yaml").write_text(settings)
    run("git", "init", "--quiet", "--initial-branch=main", made.folder)
    run("git", "add", ".", folder=made.folder)
    who = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.org")
    run("git", *who, "commit", "--quiet", "-m", "pins", folder=made.folder)
