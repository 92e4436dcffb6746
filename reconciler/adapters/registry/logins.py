"""The credentials that ``docker login`` left: in its configuration, or with a credential helper."""

from __future__ import annotations

import base64
import binascii
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.errors import PermissionRefused

DOCKER_HUB = "https://index.docker.io/v1/"
"""The key under which everybody keeps the login of Docker Hub."""

IDENTITY_TOKEN = "<token>"
_HUB_HOSTS = ("", "docker.io", "index.docker.io", "registry-1.docker.io")
_HELPER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class DockerLogins:
    """Reads ``config.json`` of the docker command, anew for each question: tokens expire.

    Args:
        folder: where ``config.json`` is; it need not exist.
        helper_seconds: how long a credential helper may take.
    """

    folder: Path
    helper_seconds: float = 20.0

    @classmethod
    def of_user(cls, environ: Mapping[str, str], home: Path) -> DockerLogins:
        """Those of the user who runs us: ``DOCKER_CONFIG``, or ``.docker`` in the home folder."""
        return cls(Path(environ.get("DOCKER_CONFIG") or home / ".docker"))

    def __call__(self, host: str) -> tuple[str, str] | None:
        """User and secret for a registry; the user ``<token>`` marks an identity token.

        Args:
            host: the registry with its port, empty for Docker Hub.

        Raises:
            PermissionRefused: a credential helper is configured and does not work.
        """
        config = self._config()
        server = DOCKER_HUB if host in _HUB_HOSTS else host
        helper = _mapping(config.get("credHelpers")).get(server) or config.get("credsStore")
        if helper and (login := self._ask(str(helper), server)):
            return login
        for key, entry in _mapping(config.get("auths")).items():
            if _same(key, server) and (login := _login(_mapping(entry))):
                return login
        return None

    def _config(self) -> Mapping[str, Any]:
        try:
            return _mapping(json.loads((self.folder / "config.json").read_bytes()))
        except (OSError, ValueError):
            return {}

    def _ask(self, helper: str, server: str) -> tuple[str, str] | None:
        """What a helper has for ``server``; its output never gets into a message, it may hold secrets.

        https://github.com/docker/docker-credential-helpers#development
        """
        program = f"docker-credential-{helper}"
        try:
            if not _HELPER.fullmatch(helper):
                raise FileNotFoundError(program)
            done = subprocess.run(
                [program, "get"],
                input=server.encode(),
                capture_output=True,
                timeout=self.helper_seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            why = "does not answer" if isinstance(error, subprocess.TimeoutExpired) else "cannot be run"
            raise _refused(program, server, why) from error
        if done.returncode:
            if b"credentials not found" in done.stdout:
                return None
            raise _refused(program, server, f"fails (exit code {done.returncode})")
        try:
            answer = _mapping(json.loads(done.stdout))
        except ValueError as error:
            raise _refused(program, server, "answers with something else than JSON") from error
        user, secret = str(answer.get("Username", "")), str(answer.get("Secret", ""))
        return (user, secret) if secret else None


def _refused(program: str, server: str, why: str) -> PermissionRefused:
    return PermissionRefused(
        f"no credentials for registry {server}: the credential helper {program} {why}",
        hint=f"Try: echo {server} | {program} get",
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _same(key: str, server: str) -> bool:
    """Whether a key of ``auths`` means this registry; old ones are URLs."""
    bare = key.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return key == server or (server != DOCKER_HUB and bare == server)


def _login(entry: Mapping[str, Any]) -> tuple[str, str] | None:
    if entry.get("identitytoken"):
        return IDENTITY_TOKEN, str(entry["identitytoken"])
    if entry.get("username") and entry.get("password"):
        return str(entry["username"]), str(entry["password"])
    try:
        user, _, secret = base64.b64decode(str(entry.get("auth", ""))).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, secret.rstrip("\0")) if user and secret else None
