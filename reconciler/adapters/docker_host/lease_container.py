"""A lease as it lies on the engine: a container that is created and never started.

Its name is what only one can have at a time. Its restart policy holds until when the lease lasts, in seconds
since 1970: labels cannot be changed later, and a restart policy can, and the engine keeps both over a
restart. What never ran is not restarted, whatever its policy says.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.lease_image import IMAGE, make_image
from reconciler.adapters.docker_host.local_get import GOOD, MISSING, local_get
from reconciler.adapters.docker_host.sdk import Client, Json
from reconciler.adapters.docker_host.translate import translated
from reconciler.domain.turns import Holder, Seen
from reconciler.errors import EngineFailed, EngineUnreachable

PROJECT = "reconcile.lease"
WHO = "reconcile.lease.holder"
IDENTITY = "reconcile.lease.identity"

_LAST = 253402300799  # the last second that a datetime can have


def name_of(project: str) -> str:
    """The name of the container; no Compose project has a dot in its name."""
    return f"reconcile-lease.{project}"


def engine_now(connection: Connection) -> datetime:
    """The engine's clock, in UTC."""
    doing = "ask the engine for the time"
    with translated(doing):
        answer = local_get(connection.endpoint, "/info", connection.timeout_seconds)
        if answer is not None and answer.status == GOOD:
            return _moment(answer.content["SystemTime"])
    with connection.asked(doing) as client:
        return _moment(client.info()["SystemTime"])


def look(connection: Connection, project: str) -> Seen | None:
    """The lease on a project; None where there is none.

    Raises:
        EngineFailed: a container that is no lease has its name.
    """
    content = _content(connection, project)
    if content is None:
        return None
    if (seen := _seen(content, project)) is None:
        raise EngineFailed(
            f"the container {name_of(project)} is no lease of ours, and stands where it would be",
            hint="Nobody can act on this project: rename that container, or remove it",
        )
    return seen


def holder_of(connection: Connection, project: str) -> Holder | None:
    """Who has the lease on a project; None where nobody has."""
    content = _content(connection, project)
    seen = _seen(content, project) if content is not None else None
    return seen.holder if seen is not None else None


def create(connection: Connection, project: str, who: str, identity: str, until: datetime) -> str:
    """Take the lease; returns its id, or nothing where another one has it.

    Raises:
        EngineUnreachable, EngineFailed, PermissionRefused: there is none of ours then, unless the engine
            went away.
    """
    body = {
        "Image": IMAGE,
        "Cmd": ["held"],  # the image has no command, and the engine wants one
        "Labels": {PROJECT: project, WHO: who, IDENTITY: identity},
        "HostConfig": {"NetworkMode": "none", "RestartPolicy": _policy(until)},
    }
    try:
        made = _created(connection, project, body)
        if made is None:
            make_image(connection)
            made = _created(connection, project, body)
    except EngineUnreachable:
        # The engine may have created it although its answer got lost. Nobody else has our identity.
        seen = look(connection, project)
        if seen is None or seen.identity != identity:
            raise
        return seen.id
    if made is None:
        raise EngineFailed(f"could not create container {name_of(project)}: image {IMAGE} is gone again")
    return made


def _created(connection: Connection, project: str, body: Json) -> str | None:
    """The id; nothing where the name is taken, None where the image is missing."""
    from docker.errors import APIError

    with connection.asked(f"create container {name_of(project)}") as client:
        try:
            return str(client.create_container_from_config(body, name_of(project))["Id"])
        except APIError as error:
            if error.status_code == 404:
                return None
            if error.status_code == 409:
                return ""
            raise


def renew(connection: Connection, lease: str, until: datetime) -> bool:
    """Move on until when a lease lasts, by its id; whether it is still there."""
    from docker.errors import NotFound

    with connection.asked(f"renew lease {lease[:12]}") as client:
        try:
            client.update_container(lease, restart_policy=_policy(until))
        except NotFound:
            return False
    return True


def _content(connection: Connection, project: str) -> Mapping[str, Any] | None:
    """All that the engine says of the container with the lease's name; None where there is none."""
    name = name_of(project)
    doing = f"look for container {name}"
    with translated(doing):
        answer = local_get(connection.endpoint, f"/containers/{name}/json", connection.timeout_seconds)
        if answer is not None and isinstance(answer.content, Mapping):
            if answer.status == GOOD:
                return answer.content
            if answer.status == MISSING:
                return None
    with connection.asked(doing) as client:
        return _inspected(client, name)


def _inspected(client: Client, name: str) -> Mapping[str, Any] | None:
    from docker.errors import NotFound

    try:
        return client.inspect_container(name)
    except NotFound:
        return None


def _seen(content: Mapping[str, Any], project: str) -> Seen | None:
    with translated(f"read container {name_of(project)}"):
        labels = content["Config"].get("Labels") or {}
        if labels.get(PROJECT) != project:
            return None
        policy = content["HostConfig"].get("RestartPolicy") or {}
        until = min(max(int(policy.get("MaximumRetryCount") or 0), 0), _LAST)
        holder = Holder(
            who=labels.get(WHO) or "somebody",
            since=_moment(content["Created"]),
            until=datetime.fromtimestamp(until, UTC),
        )
        return Seen(content["Id"], labels.get(IDENTITY, ""), holder)


def _policy(until: datetime) -> Json:
    return {"Name": "on-failure", "MaximumRetryCount": int(until.timestamp())}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
