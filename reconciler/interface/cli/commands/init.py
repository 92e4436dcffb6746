"""``reconcile init ENV``: write the state folder from Compose files and what runs now."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from reconciler.app.scaffold import scaffold
from reconciler.domain.environment import Environment
from reconciler.domain.foreign import foreign
from reconciler.errors import Refused
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session
from reconciler.interface.settings import SETTINGS_FILE, Settings
from reconciler.interface.wiring import Wiring


@click.command("init")
@click.argument("name", metavar="ENV")
@click.option(
    "-f", "--file", "files", multiple=True, required=True, metavar="FILE", help="A Compose file; in order."
)
@click.option("--project", metavar="NAME", help="The Compose project.  [default: as Compose would call it]")
@click.option("--directory", default=".", metavar="DIR", help="Compose's project directory.  [default: here]")
@click.option("--host", default="", metavar="URL", help="The Docker host, where it is not the usual one.")
@click.pass_obj
def command(
    session: Session, name: str, *, files: tuple[str, ...], project: str | None, directory: str, host: str
) -> int:
    """Write reconcile.yaml and the pins of what runs now. Nothing is committed, nothing is deployed."""
    folder = Path(session.named or "state").absolute()
    place = Path(directory).absolute()
    missing = [file for file in files if not (place / file).is_file()]
    if missing:
        raise Refused(
            f"there is no {', '.join(missing)} in {place}", hint="Name the project directory with --directory"
        )
    environment = Environment(
        name=name,
        pins=f"{name}/compose.pins.yaml",
        project=project or _project(place),
        directory=os.path.relpath(place, folder),
        compose=files,
        engine_host=host,
    )
    _write(folder, environment)
    return exit_codes.OK


def _write(folder: Path, environment: Environment) -> None:
    settings_file, pins_file = folder / SETTINGS_FILE, folder / environment.pins
    if pins_file.exists():
        raise Refused(f"{pins_file} exists already", hint="Delete it first if it is to be written anew")
    present = settings_file.read_text(encoding="utf-8") if settings_file.exists() else ""
    wiring = Wiring(Settings(folder=folder, environ=dict(os.environ)))
    written = scaffold(environment, wiring.engine(environment), present)
    wiring.state_files.settings(
        written.settings, str(settings_file)
    )  # nothing is written that cannot be read
    pins_file.parent.mkdir(parents=True, exist_ok=True)
    settings_file.write_text(written.settings, encoding="utf-8")
    pins_file.write_text(written.pins, encoding="utf-8")
    click.echo(f"wrote {_shown(settings_file)} and {_shown(pins_file)}")
    for service, why in sorted(written.unpinned.items()):
        click.echo(f"unpinned: {foreign(service)}: {foreign(why)}")
    click.echo(f"next: git add {_shown(folder)} && git commit, then: reconcile plan {environment.name}")


def _shown(path: Path) -> str:
    """A path as short as it can be from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _project(place: Path) -> str:
    """What Compose calls a project by default: the directory's name, in the characters it allows.

    https://docs.docker.com/compose/how-tos/project-name/
    """
    return re.sub(r"^[_-]+", "", re.sub(r"[^a-z0-9_-]", "", place.name.lower()))
