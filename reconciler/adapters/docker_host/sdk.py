"""All that is used of the Docker SDK: which endpoints of the engine are needed can be read here.

A socket proxy in front of the engine has to allow these and no others. The SDK's own types are not used:
they are incomplete, and narrower than what it does. What comes back is untyped JSON, and dies in the
modules that read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

Json = dict[str, Any]


class Client(Protocol):
    """``docker.api.client.APIClient``, as far as it is used. It is a ``requests.Session`` as well."""

    base_url: str
    timeout: float
    trust_env: bool

    @property
    def api_version(self) -> str:
        """The version that the requests are made for."""

    def version(self, *, api_version: bool = True) -> Json:
        """GET /version"""

    def info(self) -> Json:
        """GET /info"""

    def containers(self, *, all: bool = False, filters: Mapping[str, Any] | None = None) -> list[Json]:  # noqa: A002
        """GET /containers/json"""

    def inspect_container(self, container: str) -> Json:
        """GET /containers/{id}/json"""

    def logs(self, container: str, *, tail: int, since: float | None) -> bytes:
        """GET /containers/{id}/logs"""

    def stats(self, container: str, *, stream: bool, one_shot: bool | None = None) -> Json:
        """GET /containers/{id}/stats"""

    def exec_create(self, container: str, cmd: list[str]) -> Json:
        """POST /containers/{id}/exec, with ``post`` for POST /exec/{id}/start"""

    def exec_inspect(self, exec_id: str) -> Json:
        """GET /exec/{id}/json"""

    def create_container_from_config(self, config: Json, name: str) -> Json:
        """POST /containers/create"""

    def start(self, container: str) -> None:
        """POST /containers/{id}/start"""

    def unpause(self, container: str) -> None:
        """POST /containers/{id}/unpause"""

    def stop(self, container: str, *, timeout: int) -> None:
        """POST /containers/{id}/stop; the time-out is the grace, and is added to the client's own."""

    def wait(self, container: str, *, timeout: float, condition: str) -> Json:
        """POST /containers/{id}/wait"""

    def rename(self, container: str, name: str) -> None:
        """POST /containers/{id}/rename"""

    def update_container(self, container: str, *, restart_policy: Json) -> Json:
        """POST /containers/{id}/update"""

    def remove_container(self, container: str, *, v: bool) -> None:
        """DELETE /containers/{id}"""

    def connect_container_to_network(self, container: str, net_id: str, **endpoint: object) -> None:
        """POST /networks/{id}/connect"""

    def images(self, name: str | None = None) -> list[Json]:
        """GET /images/json"""

    def inspect_image(self, image: str) -> Json:
        """GET /images/{name}/json"""

    def tag(self, image: str, repository: str, tag: str) -> bool:
        """POST /images/{name}/tag"""

    def remove_image(self, image: str, *, noprune: bool) -> list[Json]:
        """DELETE /images/{name}; never by force, which deletes images under stopped containers."""

    def volumes(self, filters: Mapping[str, Any]) -> Json:
        """GET /volumes"""

    def create_volume(self, name: str, *, labels: Mapping[str, str]) -> Json:
        """POST /volumes/create; the answer is an older volume, where there is one of this name."""

    def remove_volume(self, name: str) -> None:
        """DELETE /volumes/{}; used for those in which a pause is kept, and for no other."""

    def post(self, url: str, **request: object) -> Any:
        """Used for POST /images/create and POST /exec/{id}/start; the answer is a ``requests.Response``."""

    def close(self) -> None:
        """End the connections."""
