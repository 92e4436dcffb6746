"""Where a registry is: from the name of an image to the address of its manifest."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from reconciler.domain.image import ImageRef

_HUB = ("", "docker.io", "index.docker.io")


@dataclass(frozen=True, slots=True)
class Place:
    """One manifest: ``host`` is the registry that people know, ``address`` the one that is asked."""

    host: str
    address: str
    path: str
    reference: str

    @property
    def loopback(self) -> bool:
        """Whether the registry is on this machine, where plain HTTP is as good as TLS."""
        return loopback(self.address)


def place_of(image: ImageRef) -> Place:
    """The place of an image's manifest, by its digest where it has one.

    Names without a host are Docker Hub's, and its own images live below ``library/``.
    https://github.com/distribution/reference/blob/v0.6.0/normalize.go#L123
    """
    host = image.host
    path = image.repository.removeprefix(f"{host}/") if host else image.repository
    reference = image.digest or image.tag or "latest"
    if host in _HUB:
        path = path if "/" in path else f"library/{path}"
        return Place("docker.io", "registry-1.docker.io", path, reference)
    return Place(host, host, path, reference)


def loopback(address: str) -> bool:
    """Whether ``host[:port]`` is certainly this machine."""
    host = address.rpartition(":")[0] if ":" in address and not address.endswith("]") else address
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
