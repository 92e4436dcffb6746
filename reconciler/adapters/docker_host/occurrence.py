"""One line of the engine's stream of events as a value."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.adapters.docker_host.observe import CONFIG_FILES, ONE_OFF, PROJECT, SERVICE
from reconciler.domain.triggers import Occurrence

WORKING_DIRECTORY = "com.docker.compose.project.working_dir"
ACTIONS: Final = ("die", "oom", "stop", "kill", "pause", "destroy", "create", "health_status")


def occurrence(line: bytes) -> Occurrence | None:
    """What a line tells of a container of a Compose project; None where it tells nothing of that.

    ``docker compose run`` makes containers of the project too, which are nobody's service.
    """
    try:
        event = json.loads(line)
        about = event["Actor"]["Attributes"]
        if about.get(ONE_OFF) == "True":
            return None
        return Occurrence(
            at=datetime.fromtimestamp(event["timeNano"] / 1e9, UTC),
            project=_text(about[PROJECT]),
            service=_text(about.get(SERVICE, "")),
            container=_text(about.get("name", "")),
            action=_text(event["Action"]).partition(":")[0],
            exit_code=_exit_code(about),
            working_directory=_text(about.get(WORKING_DIRECTORY, "")),
            compose_files=_text(about.get(CONFIG_FILES, "")),
        )
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, OSError, RecursionError):
        return None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _exit_code(about: dict[str, Any]) -> int | None:
    """The code as a number; the engine writes it as text, and only where a process ended."""
    try:
        return int(about["exitCode"])
    except (LookupError, ValueError):
        return None
