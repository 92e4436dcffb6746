"""The image of leases: empty, because a lease is a container that is never started.

The engine makes it of nothing, so no registry is needed; whoever prunes it gets it back with the next lease.
"""

from __future__ import annotations

import json
from contextlib import closing

from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.stream import opened
from reconciler.errors import EngineFailed

REPOSITORY, TAG = "reconcile/lease", "1"
IMAGE = f"{REPOSITORY}:{TAG}"
_EMPTY_ARCHIVE = bytes(1024)  # a tar file ends with two empty blocks of 512 bytes


def make_image(connection: Connection) -> None:
    """Bring the image onto the engine.

    Raises:
        EngineUnreachable, EngineFailed, PermissionRefused.
    """
    doing = f"make image {IMAGE}"
    request = {
        "params": {"fromSrc": "-", "repo": REPOSITORY, "tag": TAG},
        "headers": {"Content-Type": "application/x-tar"},
        "data": _EMPTY_ARCHIVE,
    }
    with (
        connection.asked(doing) as client,
        closing(opened(client, "/images/create", client.timeout, **request)) as answer,
    ):
        for line in filter(None, answer.iter_lines()):
            if complaint := json.loads(line).get("error"):
                raise EngineFailed(f"could not {doing}: {complaint}")
