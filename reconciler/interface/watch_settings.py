"""How the daemon runs on this host: flags, then the host's own ``watch.yaml``, then defaults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reconciler.domain.watching import Watching
from reconciler.errors import Refused
from reconciler.interface.settings import WATCH_FILE


def watching(named: Path | None, interval_seconds: float | None, *, in_folder: bool) -> Watching:
    """What the daemon watches.

    Args:
        named: the file that was asked for; None for the usual one, which need not be there.
        interval_seconds: what was asked for on the command line.
        in_folder: whether a state folder was named there: then that is watched.

    Raises:
        Refused: the file cannot be read, or two different things are asked for.
        InvalidSettings: it is wrong, with all findings.
    """
    found = _read(named)
    if in_folder and found.repository is not None:
        if named is not None:
            hint = "Leave one of the two out"
            raise Refused(f"-C names a state folder, and {named} a repository to clone", hint=hint)
        found = replace(found, repository=None)
    return found if interval_seconds is None else replace(found, interval_seconds=interval_seconds)


def _read(named: Path | None) -> Watching:
    from reconciler.adapters.state_files.watch_settings import watching as read

    file = named or WATCH_FILE
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if named is None:
            return Watching()
        raise Refused(f"there is no {file}", hint="Name the daemon's own settings with --config") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file} cannot be read: {error}", hint="It is a small YAML file in UTF-8") from error
    return read(text, str(file))
