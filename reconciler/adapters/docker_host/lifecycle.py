"""Start, stop, rename, remove: said once, however often it is asked.

An answer that got lost, or one that says that it is so already, is settled by looking again.
"""

from __future__ import annotations

import math

from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.kept_port import explained
from reconciler.adapters.docker_host.observe import policy_of, policy_text, taken_ports, vitals
from reconciler.adapters.docker_host.sdk import Client
from reconciler.domain.observed import State, Vitals
from reconciler.errors import EngineFailed, EngineUnreachable, HostConflict

STOPPED = (State.CREATED, State.EXITED, State.DEAD)


def brief(container: str) -> str:
    """A container for a message: its name, or the first digits of its id."""
    return container[:12] if len(container) == 64 else container


def look(connection: Connection, container: str) -> Vitals | None:
    """One container, looked at closely; None when it is gone."""
    from docker.errors import NotFound

    with connection.asked(f"inspect container {brief(container)}") as client:
        try:
            return vitals(client.inspect_container(container))
        except NotFound:
            return None


def start(connection: Connection, container: str) -> None:
    """Start, or unpause; fine where it runs already.

    Raises:
        EngineFailed: with the engine's own reason; the container is then ``created`` or ``exited``.
        HostConflict: something else on the host is in the way, or what the engine itself did not let go.
    """
    try:
        with connection.asked(f"start container {brief(container)}") as client:
            _start_or_unpause(client, container)
    except EngineUnreachable:
        if not _settled(connection, container, State.RUNNING, State.RESTARTING):
            raise
    except HostConflict as error:
        raise _explained(connection, error) from error


def _explained(connection: Connection, conflict: HostConflict) -> HostConflict:
    """What is in the way, and what to do about it, as far as the engine tells."""
    try:
        with connection.asked("list the published ports") as client:
            return explained(conflict, taken_ports(client.containers()))
    except EngineFailed:
        return conflict


def _start_or_unpause(client: Client, container: str) -> None:
    from docker.errors import APIError

    try:
        client.start(container)
    except APIError as error:
        if error.status_code != 409 or "unpause" not in str(error.explanation):
            raise
        client.unpause(container)


def stop(connection: Connection, container: str, grace_seconds: float) -> None:
    """Stop, with SIGKILL after ``grace_seconds``; fine where it is stopped or gone.

    Raises:
        EngineFailed: it still runs.
    """
    from docker.errors import NotFound

    try:
        with connection.asked(f"stop container {brief(container)}") as client:
            try:
                client.stop(container, timeout=math.ceil(grace_seconds))
            except NotFound:
                return
    except EngineUnreachable:
        if not _settled(connection, container, *STOPPED, State.REMOVING, gone_is_fine=True):
            raise


def restart_policy(connection: Connection, container: str) -> str:
    """The restart policy: ``no``, ``always``, ``unless-stopped`` or ``on-failure:N``."""
    with connection.asked(f"read the restart policy of container {brief(container)}") as client:
        content = client.inspect_container(container)
        return policy_text(content["HostConfig"].get("RestartPolicy") or {})


def set_restart_policy(connection: Connection, container: str, policy: str) -> None:
    """Change the restart policy; it can be said twice without harm."""
    with connection.asked(f"set the restart policy of container {brief(container)} to {policy}") as client:
        client.update_container(container, restart_policy=policy_of(policy))


def rename(connection: Connection, container: str, name: str) -> None:
    """Rename; fine where it is called so already.

    Raises:
        EngineFailed: another container has the name, or this one is gone.
    """
    try:
        with connection.asked(f"rename container {brief(container)} to {name}") as client:
            client.rename(container, name)
    except (EngineFailed, EngineUnreachable):
        seen = look(connection, container)
        if seen is None or seen.name != name:
            raise


def remove(connection: Connection, container: str, *, fresh_volumes: bool) -> None:
    """Remove a stopped container; fine where it is gone, or somebody else is removing it.

    Raises:
        EngineFailed: it runs, or could not be removed.
    """
    try:
        with connection.asked(f"remove container {brief(container)}") as client:
            _remove(client, container, fresh_volumes=fresh_volumes)
    except EngineUnreachable:
        if look(connection, container) is not None:
            raise


def _remove(client: Client, container: str, *, fresh_volumes: bool) -> None:
    from docker.errors import APIError, NotFound

    try:
        client.remove_container(container, v=fresh_volumes)
    except NotFound:
        return
    except APIError as error:
        if error.status_code != 409 or "already in progress" not in str(error.explanation):
            raise
        _await_removal(client, container)


def _await_removal(client: Client, container: str) -> None:
    from docker.errors import NotFound

    try:
        client.wait(container, timeout=client.timeout, condition="removed")
    except NotFound:
        return


def _settled(connection: Connection, container: str, *states: State, gone_is_fine: bool = False) -> bool:
    """Whether the container is in one of ``states``, after an answer that did not come."""
    try:
        seen = look(connection, container)
    except EngineUnreachable:
        return False
    return gone_is_fine if seen is None else seen.state in states
