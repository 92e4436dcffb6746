"""The list call of a local engine, without the SDK."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from reconciler.adapters.docker_host.endpoint import Endpoint
from reconciler.adapters.docker_host.local_get import GOOD, local_get


def listed(endpoint: Endpoint, label: str, timeout_seconds: float) -> list[dict[str, Any]] | None:
    """All containers with ``label`` (``key=value``); None where the engine has to be asked in another way.

    Raises:
        TimeoutError: it does not answer; asking in another way would only take as long again.
    """
    answer = local_get(endpoint, f"/containers/json?all=1&filters={labelled(label)}", timeout_seconds)
    if answer is None or answer.status != GOOD or not _entries(answer.content):
        return None
    found: list[dict[str, Any]] = answer.content
    return found


def labelled(label: str) -> str:
    """The engine's filter for a label, for a query."""
    return quote(json.dumps({"label": [label]}))


def _entries(answer: object) -> bool:
    return isinstance(answer, Sequence) and all(isinstance(entry, Mapping) for entry in answer)
