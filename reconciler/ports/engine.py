"""One Docker Engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Instance, Observed, Usage, Vitals


class Engine(Protocol):
    """One Docker Engine. Every call has a deadline of its own."""

    @property
    def name(self) -> str:
        """Where it listens, without any password: the same engine has the same name."""

    def observe(self, project: str) -> Observed:
        """All containers of a Compose project, with one list call.

        Raises:
            EngineUnreachable, PermissionRefused.
        """

    def inspect(self, container: str) -> Vitals | None:
        """One container, looked at closely; None when it is gone."""

    def image_id(self, image: ImageRef) -> str:
        """The id of the image that the host knows under this digest; empty where it knows none."""

    def digest_of(self, image_id: str, repository: str) -> str:
        """The digest under which the host got an image from ``repository``; empty where it did not."""

    def version(self) -> str:
        """The engine's version, for people.

        Raises:
            EngineUnreachable, PermissionRefused.
        """

    def missing(self, images: Sequence[ImageRef]) -> tuple[ImageRef, ...]:
        """Those of the pinned images that are not on the host under their digest."""

    def pull(self, image: ImageRef, progress: Callable[[str], None] | None = None) -> None:
        """Bring an image to the host by its digest, and check that it is the one.

        Raises:
            PullFailed, RegistryUnreachable, PermissionRefused: what is on the host was not changed.
        """

    def succeed(
        self,
        template: Instance,
        predecessor: Instance,
        name: str,
        config_hash: str,
        shares: Mapping[str, str],
    ) -> str:
        """Create a successor of ``predecessor`` from ``template``; returns its id. It is not started.

        It gets the predecessor's container number and anonymous volumes, the label ``config_hash``,
        and the network aliases that a container called its serving name would have. ``name`` is its
        name for now. ``shares`` maps container ids that the template refers to (its namespaces and
        volumes_from) to those that the successor must refer to instead.

        Raises:
            EngineFailed, EngineUnreachable.
        """

    def start(self, container: str) -> None:
        """Start, or unpause; a container that runs already is left alone.

        Raises:
            EngineFailed: with the engine's own reason.
        """

    def stop(self, container: str, grace_seconds: float) -> None:
        """Stop; one that is gone or stopped already is fine."""

    def restart_policy(self, container: str) -> str:
        """The restart policy, ``no`` or ``always`` or ``unless-stopped`` or ``on-failure:N``."""

    def set_restart_policy(self, container: str, policy: str) -> None:
        """Change the restart policy, so that the engine does not resurrect what we stop."""

    def rename(self, container: str, name: str) -> None:
        """Rename; a container that has this name already is fine."""

    def remove(self, container: str, *, fresh_volumes: bool = False) -> None:
        """Remove a stopped container; one that is gone already is fine.

        Volumes stay, except with ``fresh_volumes`` the anonymous ones that nothing else uses: only
        for containers that never ran.
        """

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Give an image (an id, or ``repository@digest``) a name, which protects it from being pruned."""

    def logs(self, container: str, lines: int, *, since: datetime | None = None) -> str:
        """The last lines that a container wrote, at most 64 KiB; empty where the engine keeps none.

        Of those written after ``since``, where it is given.
        """

    def execute(self, container: str, command: Sequence[str], time_limit_seconds: float) -> tuple[int, str]:
        """Run a command inside a running container: its exit code, and the last 4 KiB of what it wrote.

        Raises:
            EngineFailed: it could not be run, or did not end within ``time_limit_seconds``.
        """

    def usage(self, container: str) -> Usage | None:
        """What a running container uses now; None where it does not run."""

    def description(self, container: str) -> str:
        """The engine's own description of a container, as JSON; empty where it is gone.

        The values of its environment variables and labels of others are left out: they hold secrets.
        """

    def tags(self, repository: str) -> Mapping[str, str]:
        """The tags of a repository's images on the host: tag → image id."""

    def untag(self, repository: str, tag: str) -> None:
        """Take a name from an image; the image itself goes when nothing else names or uses it.

        One that is gone already is fine.
        """

    def taken_ports(self) -> Mapping[str, tuple[str, str]]:
        """Host ports of *running* containers: ``address:number/protocol`` → (container id, name)."""

    def free_bytes(self) -> int | None:
        """Room left where the engine keeps images; None where that cannot be told (a remote engine)."""
