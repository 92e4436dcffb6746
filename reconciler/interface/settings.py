"""Flags, then environment variables, then defaults: one frozen value for the whole run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import PermissionRefused, Refused

ALLOWANCES = Path("/etc/reconcile/allow")
SETTINGS_FILE = "reconcile.yaml"
WATCH_FILE = Path("/etc/reconcile/watch.yaml")
"""How the daemon runs on this host. Git has no say in it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this run was called.

    Args:
        folder: the folder that holds ``reconcile.yaml``, absolute.
        environments: those that were asked for; empty for all.
        output: ``text`` or ``json``.
        color: whether the terminal shows colours.
        quiet, verbose: less, or more, on stderr.
        allow_dirty: read uncommitted files.
        allow_mass_change: let one pass remove most of an environment's services, and stop or replace them
            although Git did not move them.
        approved: whether a person approves what this run releases, also where that needs an approval.
        allowed: powers over the host that services may ask for.
        state_directory: where locks and memory live.
        lock_wait_seconds: how long to wait for another reconciler.
        parachute: whether to refuse a release from which there is no way back.
        observe: stay after a release for as long as something may still have to be done about it.
        environ: the process's environment.
    """

    folder: Path
    environ: Mapping[str, str]
    environments: tuple[str, ...] = ()
    output: str = "text"
    color: bool = False
    quiet: bool = False
    verbose: bool = False
    allow_dirty: bool = False
    allow_mass_change: bool = False
    approved: bool = False
    allowed: tuple[str, ...] = ()
    state_directory: Path = Path("/var/lib/reconcile")
    lock_wait_seconds: float = 0.0
    parachute: bool = True
    observe: bool = False


def find_folder(named: str | None, here: Path) -> Path:
    """The folder of ``reconcile.yaml``: the named one, else ``state/`` here, else the nearest one upward.

    Raises:
        Refused: there is none.
    """
    if named is not None:
        folder = Path(named).absolute()
        if not (folder / SETTINGS_FILE).is_file():
            raise Refused(
                f"there is no {SETTINGS_FILE} in {folder}", hint="Name the folder that holds it with -C"
            )
        return folder
    for place in (here, *here.parents):
        for folder in (place / "state", place):
            if (folder / SETTINGS_FILE).is_file():
                return folder
    hint = "Go to the repository, name the folder with -C, or scaffold one with: reconcile init"
    raise Refused(f"there is no state/{SETTINGS_FILE} here or above", hint=hint)


def allowances(environ: Mapping[str, str], file: Path = ALLOWANCES) -> tuple[str, ...]:
    """What this host allows, from ``RECONCILE_ALLOW`` (separated by commas) and a file (one per line).

    Never from Git: whoever can push could otherwise take the host.

    Raises:
        PermissionRefused: the file is there, and cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        lines = []
    except OSError as error:
        raise PermissionRefused(
            f"{file} cannot be read: {error.strerror}", hint="Let the user that runs reconcile read it"
        ) from error
    written = [line.partition("#")[0].strip() for line in lines]
    given = [item.strip() for item in environ.get("RECONCILE_ALLOW", "").split(",")]
    return tuple(item for item in (*written, *given) if item)


def state_directory(environ: Mapping[str, str], *, root: bool) -> Path:
    """Where a host keeps what it remembers: a variable's, the service manager's, or the usual place."""
    for name in ("RECONCILE_STATE_DIR", "STATE_DIRECTORY"):
        if environ.get(name):
            return Path(environ[name]).absolute()
    if root:
        return Path("/var/lib/reconcile")
    home = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME", "/")) / ".local" / "state")
    return Path(home) / "reconcile"
