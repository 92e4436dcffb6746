"""Clients of the Docker SDK: made late, lent to one thread at a time, with a deadline on every call."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, cast

from reconciler.adapters.docker_host.endpoint import Endpoint
from reconciler.adapters.docker_host.sdk import Client
from reconciler.adapters.docker_host.translate import translated
from reconciler.errors import EngineUnreachable

if TYPE_CHECKING:
    from reconciler.adapters.docker_host.ssh import SshRelay

_OLDEST_API = "1.24"  # the SDK's own minimum; nothing but the engine's version is asked with it


class Connection:
    """The way to one engine.

    A client of the SDK is not thread-safe (https://github.com/docker/docker-py/issues/619) and making one
    costs a request, so clients that nobody uses are kept, and each is lent to one thread at a time.

    Args:
        endpoint: where the engine listens, already judged safe.
        timeout_seconds: how long any read of an answer may take.
    """

    def __init__(self, endpoint: Endpoint, *, timeout_seconds: float = 60.0) -> None:
        self.endpoint = endpoint
        self.timeout_seconds = timeout_seconds
        self._idle: list[Client] = []  # append and pop are atomic
        self._relay: SshRelay | None = None
        self._relay_lock = threading.Lock()

    @contextmanager
    def asked(self, doing: str) -> Iterator[Client]:
        """A client for the calling thread, inside the boundary that translates its errors.

        Args:
            doing: what is being done, to what, for the error message.

        Raises:
            EngineUnreachable, PermissionRefused, Refused, EngineFailed: see ``translated``.
        """
        with self._told_by_ssh(), translated(doing):
            self._knock()
            client = self._idle.pop() if self._idle else self._connect()
            with self._lent(client):
                yield client

    @contextmanager
    def dialled(self, doing: str) -> Iterator[Endpoint]:
        """Where to dial for a request without the SDK, inside the same boundary; never an ``ssh://`` URL.

        Args:
            doing: what is being done, to what, for the error message.

        Raises:
            EngineUnreachable, PermissionRefused, EngineFailed: see ``translated``.
        """
        with self._told_by_ssh(), translated(doing):
            yield self._way()

    @contextmanager
    def _told_by_ssh(self) -> Iterator[None]:
        """Where the engine is out of reach, ssh may know why."""
        try:
            yield
        except EngineUnreachable as error:
            if self._relay is not None and (complaint := self._relay.complaint()):
                raise EngineUnreachable(error.problem, hint=f"ssh says: {complaint}") from error
            raise

    @contextmanager
    def _lent(self, client: Client) -> Iterator[None]:
        """Take the client back, unless the engine was lost: the next one then negotiates anew."""
        from docker.errors import APIError

        try:
            yield
        except APIError:
            self._idle.append(client)
            raise
        except BaseException:
            client.close()
            raise
        self._idle.append(client)

    def close(self) -> None:
        """End the idle connections."""
        while self._idle:
            self._idle.pop().close()
        if self._relay is not None:
            self._relay.close()
            self._relay = None

    def _knock(self) -> None:
        """Fail at once, and before the SDK is imported, where nobody listens.

        The SDK would leak the socket with which it found out.
        https://github.com/docker/docker-py/blob/7.1.0/docker/transport/unixconn.py#L27
        """
        if self.endpoint.local:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
                door.settimeout(self.timeout_seconds)
                door.connect("/" + self.endpoint.url.removeprefix("unix://").lstrip("/"))

    def _connect(self) -> Client:
        """A new client for the API version of the engine that answers now."""
        with closing(self._client(_OLDEST_API)) as first:
            version = first.version(api_version=False)["ApiVersion"]
        return self._client(version)

    def _client(self, api_version: str) -> Client:
        """A client that has not asked anything yet.

        Left to itself, one would ask for the version at once, and with the process's own environment:
        REQUESTS_CA_BUNDLE then decides who may be the engine, whatever the TLS files say.
        https://github.com/psf/requests/issues/3829
        """
        from docker.api.client import APIClient

        made: Any = APIClient
        client = cast(
            Client,
            made(
                base_url=self._way().url, version=api_version, timeout=self.timeout_seconds, tls=self._tls()
            ),
        )
        client.trust_env = False
        return client

    def _tls(self) -> Any:
        from docker.tls import TLSConfig

        tls = self.endpoint.tls if self.endpoint.scheme == "tcp" else None
        if tls is None:
            return False
        files = (str(tls.certificate), str(tls.key))
        return TLSConfig(client_cert=files, ca_cert=str(tls.ca), verify=tls.verify)

    def _way(self) -> Endpoint:
        """Where a connection of ours goes: behind ssh, to the relay."""
        if self.endpoint.scheme != "ssh":
            return self.endpoint
        with self._relay_lock:
            if self._relay is None:
                from reconciler.adapters.docker_host.ssh import SshRelay

                self._relay = SshRelay(self.endpoint.url)
            return Endpoint(f"unix://{self._relay.path}")
