"""Which engine is meant, and whether the way to it is safe: found as the docker command finds it."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.errors import Refused

DEFAULT_HOST = "unix:///var/run/docker.sock"


@dataclass(frozen=True, slots=True)
class Tls:
    """The files of a TLS connection; ``verify`` says whether the engine's certificate is checked."""

    ca: Path
    certificate: Path
    key: Path
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an engine listens: a ``unix://``, ``tcp://`` or ``ssh://`` URL, with its TLS files if any."""

    url: str
    tls: Tls | None = None

    @property
    def scheme(self) -> str:
        """``unix``, ``tcp`` or ``ssh``."""
        return self.url.partition("://")[0]

    @property
    def local(self) -> bool:
        """Whether the engine's files may be on this machine."""
        return self.scheme == "unix"

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        # A URL may hold a password; it ends up in messages.
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.netloc else self.url


def find(host: str, context: str, environment: Mapping[str, str], home: Path) -> Endpoint:
    """The engine that ``host`` or ``context`` names, or else the one that the docker command would use.

    The order is that of the docker command: an explicit host, an explicit context, ``DOCKER_HOST``,
    ``DOCKER_CONTEXT``, the current context of its configuration, the default socket.
    https://docs.docker.com/engine/manage-resources/contexts/

    Args:
        host: a Docker host URL, or empty.
        context: the name of a Docker context, or empty.
        environment: the variables to read ``DOCKER_*`` from.
        home: the user's home folder.

    Raises:
        Refused: there is no such context, the URL is none, or the way to the engine is not safe.
    """
    folder = Path(environment.get("DOCKER_CONFIG") or home / ".docker")
    url = host or ("" if context else environment.get("DOCKER_HOST", ""))
    name = "default" if url else context or environment.get("DOCKER_CONTEXT") or _current_context(folder)
    if name != "default":
        return safe(_of_context(folder, name))
    return safe(Endpoint(url or DEFAULT_HOST, _tls_of_environment(environment, folder)))


def safe(endpoint: Endpoint) -> Endpoint:
    """The same endpoint, unless others on the network could act as the engine or as us.

    Raises:
        Refused: plain ``tcp://`` (or TLS without verification) that leaves this machine, or a scheme
            that is not supported.
    """
    if endpoint.scheme not in ("unix", "tcp", "ssh") or "://" not in endpoint.url:
        raise Refused(
            f"the Docker host {endpoint} cannot be used",
            hint="Use unix:///path/to/docker.sock, ssh://user@host, or tcp://host:2376 with TLS.",
        )
    if endpoint.scheme == "ssh" and not _plain_name(urlsplit(endpoint.url).hostname or ""):
        raise Refused(f"the Docker host {endpoint} names no host", hint="Write ssh://user@host.")
    verified = endpoint.tls is not None and endpoint.tls.verify
    if endpoint.scheme == "tcp" and not verified and not loopback(urlsplit(endpoint.url).hostname or ""):
        raise Refused(
            f"the Docker host {endpoint} is reached without verified TLS: anyone on the way could control it",
            hint="Set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or use ssh://.",
        )
    return endpoint


def loopback(host: str) -> bool:
    """Whether ``host`` (a name or an address) is certainly this machine."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # ip_address("::ffff:127.0.0.1").is_loopback is False before Python 3.13.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _plain_name(host: str) -> bool:
    # A host name that starts with a dash is an option to ssh (CVE-2017-1000117 and its family).
    return bool(host) and not host.startswith("-")


def _current_context(folder: Path) -> str:
    return str(_read(folder / "config.json").get("currentContext") or "default")


def _of_context(folder: Path, name: str) -> Endpoint:
    identity = hashlib.sha256(name.encode()).hexdigest()
    meta = _read(folder / "contexts" / "meta" / identity / "meta.json")
    endpoints = meta.get("Endpoints")
    docker = endpoints.get("docker") if isinstance(endpoints, dict) else None
    if not isinstance(docker, dict) or not docker.get("Host"):
        raise Refused(f"there is no Docker context {name!r}", hint="'docker context ls' lists them.")
    files = folder / "contexts" / "tls" / identity / "docker"
    tls = _tls_files(files, verify=not docker.get("SkipTLSVerify", False)) if files.is_dir() else None
    return Endpoint(str(docker["Host"]), tls)


def _tls_of_environment(environment: Mapping[str, str], folder: Path) -> Tls | None:
    # As for the docker command, any non-empty DOCKER_TLS_VERIFY means yes, "0" as well.
    if environment.get("DOCKER_TLS_VERIFY"):
        return _tls_files(Path(environment.get("DOCKER_CERT_PATH") or folder), verify=True)
    return None


def _tls_files(folder: Path, *, verify: bool) -> Tls:
    return Tls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem", verify)


def _read(path: Path) -> dict[str, object]:
    """A JSON object, or nothing where the file cannot be read or is not one: as the docker command does."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
