"""The engine's list call as the Docker SDK makes it, on a connection that is open already."""

from __future__ import annotations

import os
from collections.abc import Callable

from docker.api.client import APIClient


def listing(project: str = "") -> Callable[[], None]:
    """Lists the containers of a Compose project, or of all."""
    client = APIClient(base_url=os.environ["DOCKER_HOST"], version="auto")
    client.trust_env = False
    label = {"label": [f"com.docker.compose.project{'=' if project else ''}{project}"]}

    def run() -> None:
        client.containers(all=True, filters=label)

    run()
    return run
