"""Bring one image to the host by its digest, or say why it did not come.

The SDK's own pull is not used: by tag it returns the old local image without any error when the transfer
breaks, by digest it blames a missing image, and it waits for ever.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.images import arrived
from reconciler.adapters.docker_host.sdk import Client
from reconciler.adapters.docker_host.stream import limit_read, opened
from reconciler.domain.image import ImageRef
from reconciler.errors import EngineFailed, PermissionRefused, PullFailed, Refused, RegistryUnreachable
from reconciler.ports import Registry

Logins = Callable[[str], tuple[str, str] | None]
"""Registry host (empty for Docker Hub) → user and secret; the user ``<token>`` marks an identity token."""

# What the engine explains well itself; asking the registry would only obscure it.
_ON_THE_HOST = ("no space left on device", "verification failed", "no matching manifest")


@dataclass(frozen=True, slots=True)
class Pulls:
    """How images are pulled.

    ``registry`` is asked when a pull failed, because the engine reports a registry's 401, 404, 429 and
    5xx all alike. ``progress_seconds`` is how long a pull may go without any progress;
    ``monotonic`` is the clock for that.
    """

    connection: Connection
    registry: Registry | None
    logins: Logins
    progress_seconds: float
    monotonic: Callable[[], float]

    def pull(self, image: ImageRef, report: Callable[[str], None] | None) -> None:
        """Pull ``image`` and check that it is the one; ``report`` gets the engine's progress lines.

        Raises:
            PullFailed, RegistryUnreachable, PermissionRefused: what is on the host was not changed.
            EngineUnreachable: the engine itself does not answer.
        """
        headers = auth_headers(image.host, self.logins(image.host))
        try:
            with (
                self.connection.asked(f"pull {image}") as client,
                closing(self._begin(client, image, headers)) as got,
            ):
                for line in self._lines(got, image):
                    if report is not None:
                        report(
                            " ".join(str(line[key]) for key in ("id", "status", "progress") if line.get(key))
                        )
        except EngineFailed as error:
            raise self._explained(image, error) from error
        if not arrived(self.connection, image):
            raise PullFailed(
                f"could not pull {image}: the engine calls it done, but does not have this digest"
            )

    def _begin(self, client: Client, image: ImageRef, headers: dict[str, str]) -> Any:
        """The engine's answer, whose lines are still to be read."""
        import requests

        params = {"fromImage": image.repository, "tag": image.digest}
        try:
            return opened(client, "/images/create", self.progress_seconds, params=params, headers=headers)
        except requests.ReadTimeout as error:
            # The engine answers with its first line, which comes only after the registry's first answer.
            raise self._stalled(image) from error

    def _lines(self, response: Any, image: ImageRef) -> Iterator[dict[str, Any]]:
        import requests

        lines, progress = response.iter_lines(), Progress()
        deadline = self.monotonic() + self.progress_seconds
        while True:
            limit_read(response, deadline - self.monotonic())
            try:
                text = next(lines, None)
            except requests.ConnectionError as error:
                if self.monotonic() >= deadline:
                    raise self._stalled(image) from error
                raise
            if text is None:
                return
            line = json.loads(text) if text else {}
            if "error" in line:
                raise EngineFailed(f"could not pull {image}: {' '.join(str(line['error']).split())}")
            if progress.moved(line):
                deadline = self.monotonic() + self.progress_seconds
            elif self.monotonic() >= deadline:
                raise self._stalled(image)
            yield line

    def _stalled(self, image: ImageRef) -> EngineFailed:
        return EngineFailed(
            f"could not pull {image}: no progress for {self.progress_seconds:g} s",
            hint="The engine may go on waiting for this layer; if other pulls hang too, restart the engine.",
        )

    def _explained(
        self, image: ImageRef, error: EngineFailed
    ) -> PullFailed | RegistryUnreachable | PermissionRefused:
        """The error of a failed pull, once the registry itself was asked."""
        failed = PullFailed(error.problem, hint=error.hint)
        if self.registry is None or any(words in error.problem for words in _ON_THE_HOST):
            return failed
        try:
            self.registry.digest(image)
        except Refused as said:
            return PullFailed(f"could not pull {image}: {said.problem}", hint=said.hint)
        except PermissionRefused as said:
            return PermissionRefused(f"could not pull {image}: {said.problem}", hint=said.hint)
        except RegistryUnreachable as said:
            return RegistryUnreachable(f"could not pull {image}: {said.problem}", hint=said.hint)
        return failed


@dataclass(frozen=True, slots=True)
class Progress:
    """How far each layer has come. Lines alone are no progress: the engine counts its retries aloud."""

    furthest: dict[tuple[str, str], int] = field(default_factory=dict)

    def moved(self, line: dict[str, Any]) -> bool:
        """Whether ``line`` says that anything went further than ever before."""
        status = str(line.get("status", ""))
        if status.startswith("Retrying"):
            return False
        step = (str(line.get("id", "")), status)
        current = int((line.get("progressDetail") or {}).get("current") or 0)
        if current <= self.furthest.get(step, -1):
            return False
        self.furthest[step] = current
        return True


def auth_headers(host: str, login: tuple[str, str] | None) -> dict[str, str]:
    """The engine's header for the credentials of a registry; none where there are none.

    https://docs.docker.com/reference/api/engine/version/v1.41/#section/Authentication
    """
    if login is None:
        return {}
    user, secret = login
    content = {"serveraddress": host or "https://index.docker.io/v1/"}
    content |= {"identitytoken": secret} if user == "<token>" else {"username": user, "password": secret}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(content).encode()).decode()}
