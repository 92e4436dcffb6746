"""A real registry on loopback, one per `with`: Debian's docker-registry with storage of its own."""

import contextlib
import ctypes
import http.client
import json
import random
import secrets
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bed.tools import BedError, docker, terminate, tool, wait_until

PORTS = 10_000, 32_768


class Registry:
    """Start a registry; with `user`, it asks for a name and a password.

    >>> with Registry() as registry:
    ...     build(f"{registry.address}/web:1")
    ...     digest = push(f"{registry.address}/web:1")
    """

    def __init__(self, *, user: tuple[str, str] | None = None, delete: bool = True, port: int = 0) -> None:
        self.user = user
        self.delete = delete
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="reconcile-registry-"))
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        """Where configuration, log (`log`) and storage (`storage`) are."""
        if self._folder is None:
            raise BedError("the registry is used outside of its `with`")
        return self._folder

    def start(self) -> None:
        """Start, also again after `stop`: port and storage stay the same."""
        config = self.folder / "config.yml"
        config.write_text(json.dumps(self._config()))  # JSON is YAML.
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [tool("docker-registry"), "serve", config], stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._ready, seconds=15, what=f"registry at {self.address} ready")

    def stop(self) -> None:
        if self._process is not None:
            terminate(self._process)
            self._process = None

    def kill(self) -> None:
        """SIGKILL, in the middle of whatever it serves."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder)
            self._folder = None

    def _config(self) -> dict[str, object]:
        config: dict[str, object] = {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.folder / "storage")},
                "delete": {"enabled": self.delete},
            },
            "http": {"addr": self.address},
        }
        if self.user is not None:
            passwords = self.folder / "htpasswd"
            passwords.write_text(htpasswd_line(*self.user))
            config["auth"] = {"htpasswd": {"realm": "reconcile test registry", "path": str(passwords)}}
        return config

    def _ready(self) -> bool:
        if self._process is not None and (code := self._process.poll()) is not None:
            raise BedError(f"docker-registry exited with {code}:\n{(self.folder / 'log').read_text()}")
        connection = http.client.HTTPConnection(self.address, timeout=2)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status in (200, 401)
        except OSError:
            return False
        finally:
            connection.close()


def push(image: str, *, host: str | None = None) -> str:
    """Push `image` (a tag) and return its digest, `sha256:…`."""
    docker("push", "--quiet", image, host=host)
    repository = image.rpartition(":")[0]
    found: list[str] = json.loads(docker("inspect", "--format", "{{json .RepoDigests}}", image, host=host))
    for reference in found:
        name, _, digest = reference.partition("@")
        if name == repository:
            return digest
    raise BedError(f"the engine knows no digest of {image} in {repository} after the push, only {found}")


def htpasswd_line(name: str, password: str) -> str:
    """Hash with bcrypt, the only kind docker-registry takes; libcrypt is in every Debian."""
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    salt = "$2b$05$" + secrets.token_hex(11)[:21] + "e"  # The 22nd character carries two bits only.
    hashed: bytes | None = crypt(password.encode(), salt.encode())
    if not hashed or not hashed.startswith(b"$2b$"):
        raise BedError("this machine's libcrypt cannot hash with bcrypt")
    return f"{name}:{hashed.decode()}\n"


def free_port() -> int:
    """A loopback port that was free a moment ago.

    From below those that the kernel gives to whoever connects (ip_local_port_range): tests that run side by
    side connect all the time, and would be given it before it is used.
    """
    while True:
        port = random.randrange(*PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
