"""One Docker Engine, as the use cases see it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.docker_host import images, lifecycle
from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.create import succeed
from reconciler.adapters.docker_host.description import description
from reconciler.adapters.docker_host.endpoint import Endpoint, find
from reconciler.adapters.docker_host.events import DockerEvents
from reconciler.adapters.docker_host.images import missing as found_missing
from reconciler.adapters.docker_host.inside import execute
from reconciler.adapters.docker_host.listing import listed
from reconciler.adapters.docker_host.logs import logs
from reconciler.adapters.docker_host.observe import PROJECT, entries_of, observed, taken_ports
from reconciler.adapters.docker_host.pause import EnginePauses
from reconciler.adapters.docker_host.pull import Logins, Pulls
from reconciler.adapters.docker_host.translate import translated
from reconciler.adapters.docker_host.usage import usage
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Instance, Observed, Usage, Vitals
from reconciler.ports import Registry

if TYPE_CHECKING:
    from reconciler.adapters.docker_host.lease import EngineLeases


def nobody(_host: str) -> tuple[str, str] | None:
    """No credentials for any registry."""
    return None


class DockerHost:
    """The engine that ``host`` or ``context`` names, or the one that the docker command would use.

    Making one does no I/O beyond reading the docker command's configuration; the SDK is imported with
    the first request. It may be shared between threads.

    Args:
        host: a Docker host URL (``unix://``, ``ssh://``, ``tcp://`` with TLS), or empty.
        context: the name of a Docker context, or empty.
        registry: asked about images whose pull failed.
        logins: the credentials for pulls.
        timeout_seconds: how long the engine may take to answer anything but a pull.
        progress_seconds: how long a pull may go without progress.
        monotonic: the clock for that, and for commands inside containers.

    Raises:
        Refused: there is no such context, or the way to the engine is not safe.
    """

    def __init__(
        self,
        host: str = "",
        *,
        context: str = "",
        registry: Registry | None = None,
        logins: Logins = nobody,
        timeout_seconds: float = 60.0,
        progress_seconds: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        endpoint = find(host, context, os.environ, Path.home())
        self._engine = Connection(endpoint, timeout_seconds=timeout_seconds)
        self._monotonic = monotonic
        self._pulls = Pulls(self._engine, registry, logins, progress_seconds, monotonic)

    @property
    def endpoint(self) -> Endpoint:
        """Where the engine listens."""
        return self._engine.endpoint

    @property
    def name(self) -> str:
        """Where it listens, without any password."""
        return str(self.endpoint)

    @property
    def events(self) -> DockerEvents:
        """What happens to its containers."""
        return DockerEvents(self._engine)

    @property
    def leases(self) -> EngineLeases:
        """Whose turn it is on this engine."""
        from reconciler.adapters.docker_host.lease import EngineLeases  # a pass with nothing to do takes none

        return EngineLeases(self._engine)

    @property
    def pauses(self) -> EnginePauses:
        """The pauses that are kept on this engine."""
        return EnginePauses(self._engine)

    def close(self) -> None:
        """End the idle connections."""
        self._engine.close()

    def observe(self, project: str) -> Observed:
        """All containers of a Compose project, with one list call."""
        doing, label = f"list the containers of project {project}", f"{PROJECT}={project}"
        with translated(doing):
            entries = listed(self.endpoint, label, self._engine.timeout_seconds)
            if entries is not None:
                return observed(project, entries)
        with self._engine.asked(doing) as client:
            return observed(project, entries_of(client, label))

    def inspect(self, container: str) -> Vitals | None:
        """One container, looked at closely; None when it is gone."""
        return lifecycle.look(self._engine, container)

    def image_id(self, image: ImageRef) -> str:
        """The id of the image that the host knows under this digest; empty where it knows none."""
        return images.image_id(self._engine, image)

    def digest_of(self, image_id: str, repository: str) -> str:
        """The digest under which the host got an image from ``repository``; empty where it did not."""
        return images.digest_of(self._engine, image_id, repository)

    def version(self) -> str:
        """The engine's version, for people."""
        with self._engine.asked("ask the engine for its version") as client:
            return str(client.info()["ServerVersion"])

    def missing(self, images: Sequence[ImageRef]) -> tuple[ImageRef, ...]:
        """Those of the pinned images that are not on the host under their digest."""
        return found_missing(self._engine, images)

    def pull(self, image: ImageRef, progress: Callable[[str], None] | None = None) -> None:
        """Bring an image to the host by its digest, and check that it is the one."""
        self._pulls.pull(image, progress)

    def succeed(
        self,
        template: Instance,
        predecessor: Instance,
        name: str,
        config_hash: str,
        shares: Mapping[str, str],
    ) -> str:
        """Create, without starting it, a successor of ``predecessor`` from ``template``; returns its id."""
        return succeed(self._engine, template, predecessor, name, config_hash, shares)

    def start(self, container: str) -> None:
        """Start, or unpause; a container that runs already is left alone."""
        lifecycle.start(self._engine, container)

    def stop(self, container: str, grace_seconds: float) -> None:
        """Stop; one that is gone or stopped already is fine."""
        lifecycle.stop(self._engine, container, grace_seconds)

    def restart_policy(self, container: str) -> str:
        """The restart policy, ``no`` or ``always`` or ``unless-stopped`` or ``on-failure:N``."""
        return lifecycle.restart_policy(self._engine, container)

    def set_restart_policy(self, container: str, policy: str) -> None:
        """Change the restart policy, so that the engine does not resurrect what we stop."""
        lifecycle.set_restart_policy(self._engine, container, policy)

    def rename(self, container: str, name: str) -> None:
        """Rename; a container that has this name already is fine."""
        lifecycle.rename(self._engine, container, name)

    def remove(self, container: str, *, fresh_volumes: bool = False) -> None:
        """Remove a stopped container; one that is gone already is fine."""
        lifecycle.remove(self._engine, container, fresh_volumes=fresh_volumes)

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Give an image (an id, or ``repository@digest``) a name, which protects it from being pruned."""
        with self._engine.asked(f"tag image {image} as {repository}:{tag}") as client:
            client.tag(image, repository, tag)

    def logs(self, container: str, lines: int, *, since: datetime | None = None) -> str:
        """The last lines that a container wrote (``since`` then), at most 64 KiB; empty without any."""
        return logs(self._engine, container, lines, since)

    def execute(self, container: str, command: Sequence[str], time_limit_seconds: float) -> tuple[int, str]:
        """Run a command inside a running container: its exit code, and the last 4 KiB of what it wrote."""
        return execute(self._engine, container, command, time_limit_seconds, self._monotonic)

    def usage(self, container: str) -> Usage | None:
        """What a running container uses now; None where it does not run. It can take 1 s."""
        return usage(self._engine, container)

    def description(self, container: str) -> str:
        """The engine's own description of a container, as JSON without secrets; empty where it is gone."""
        return description(self._engine, container)

    def tags(self, repository: str) -> Mapping[str, str]:
        """The tags of a repository's images on the host: tag → image id."""
        return images.tags(self._engine, repository)

    def untag(self, repository: str, tag: str) -> None:
        """Take a name from an image; the last name of one that a container uses stays."""
        images.untag(self._engine, repository, tag)

    def taken_ports(self) -> Mapping[str, tuple[str, str]]:
        """What running containers publish: ``address:number/protocol`` → (container id, name)."""
        with self._engine.asked("list the published ports") as client:
            return taken_ports(client.containers())

    def free_bytes(self) -> int | None:
        """Room left where the engine keeps images; None where that cannot be told (a remote engine)."""
        if not self.endpoint.local:
            return None
        with self._engine.asked("ask where the engine keeps images") as client:
            told = client.info()
        try:
            disk = os.statvfs(told["DockerRootDir"])
        except OSError:
            # The engine has a file system of its own (Docker Desktop), or we live in a container.
            return None
        return disk.f_bavail * disk.f_frsize
