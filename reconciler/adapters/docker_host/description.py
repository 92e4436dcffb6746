"""A container in the engine's own words, for people who want to know what was different: without secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.lifecycle import brief

MOST_BYTES = 64 * 1024
HIDDEN = "…"
_OF_COMPOSE = "com.docker.compose."


def description(connection: Connection, container: str) -> str:
    """The answer to an inspection as JSON text, at most 64 KiB; empty where the container is gone.

    What may hold a secret is left out: the values of variables, of labels that are not Compose's, of
    options of drivers and logs, and the arguments of commands (``Path`` tells what runs).
    """
    from docker.errors import NotFound

    with connection.asked(f"describe container {brief(container)}") as client:
        try:
            text = told(client.inspect_container(container))
        except NotFound:
            return ""
    return text.encode()[:MOST_BYTES].decode(errors="ignore")


def told(content: Mapping[str, Any]) -> str:
    """The JSON of an inspected container, without what may hold a secret."""
    return json.dumps(_without_secrets("", content), indent=2, sort_keys=True, ensure_ascii=False)


def _without_secrets(key: str, value: Any) -> Any:
    """``value`` as it may be told, where it is called ``key``."""
    match key, value:
        case "Env", list():
            return [f"{variable.partition('=')[0]}={HIDDEN}" for variable in value]
        case "Labels", dict():
            return {name: _label(name, text) for name, text in value.items()}
        case "Entrypoint", [program, *arguments]:
            return [program, *_counted(arguments)]
        case "Args" | "Cmd" | "Test", list():
            # The first word of Cmd is an argument where there is an entrypoint.
            return _counted(value)
        case "LogConfig", dict():
            return {name: _hidden(option) for name, option in value.items()}
        case "Options" | "DriverOpts" | "Annotations", dict():
            return _hidden(value)
        case _, dict():
            return {name: _without_secrets(name, one) for name, one in value.items()}
        case _, list():
            return [_without_secrets(key, one) for one in value]
        case _:
            return value


def _label(name: str, text: str) -> str:
    return text if name.startswith(_OF_COMPOSE) else HIDDEN


def _counted(arguments: list[str]) -> list[str]:
    return [f"{HIDDEN} ({len(arguments)})"] if arguments else []


def _hidden(value: Any) -> Any:
    return dict.fromkeys(value, HIDDEN) if isinstance(value, dict) else value
