"""The world of the demo: a throwaway registry, images, a repository with a remote. All goes in the end."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).parent
BROKEN = ("3", "4")


@dataclass(frozen=True, slots=True)
class World:
    """Where things are. ``folder`` is temporary; both repositories are in it."""

    folder: Path
    project: str
    registry: str
    backend_port: int
    frontend_port: int
    secrets: tuple[tuple[str, str], ...] = ()

    def knowing(self, secrets: Mapping[str, str]) -> World:
        """The same, with variables that its commands have besides."""
        return replace(self, secrets=tuple(secrets.items()))

    @property
    def repository(self) -> Path:
        """The work tree."""
        return self.folder / "shop"

    @property
    def remote(self) -> Path:
        """The bare repository that colleagues and CI would share."""
        return self.folder / "shop.git"

    @property
    def page(self) -> str:
        """The page that the customers see."""
        return f"http://127.0.0.1:{self.frontend_port}/cgi-bin/hello"

    @property
    def environment(self) -> dict[str, str]:
        """What the commands of the demo run with: no settings of the person who runs it."""
        foreign = ("GIT_", "GITHUB_", "RECONCILE_", "COMPOSE_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return kept | {
            "RECONCILE_STATE_DIR": str(self.folder / "host"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            **dict(self.secrets),
        }

    def containers(self) -> list[str]:
        """The containers of the shop, and when they were started."""
        label = f"label=com.docker.compose.project={self.project}"
        found = self.quietly("docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", label).split()
        form = "--format={{.Id}} {{.State.Status}} {{.State.StartedAt}}"
        return sorted(self.quietly("docker", "inspect", form, *found).splitlines())

    def quietly(self, *command: str | Path, check: bool = True) -> str:
        """The output of a command that is not part of the story."""
        done = subprocess.run(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
        return done.stdout.strip()


@contextmanager
def world() -> Iterator[World]:
    """Registry, images and repository, for as long as the block takes."""
    folder = Path(tempfile.mkdtemp(prefix="reconcile-demo-"))
    ports = free_ports(3)
    made = World(folder, f"demo-{secrets.token_hex(3)}", f"127.0.0.1:{ports[0]}", ports[1], ports[2])
    registry: subprocess.Popen[bytes] | None = None
    try:
        registry = start_registry(made)
        build(made)
        write_repository(made)
        yield made
    finally:
        remove(made)
        if registry is not None:
            registry.terminate()
            registry.wait(10)
        shutil.rmtree(folder)


def start_registry(made: World) -> subprocess.Popen[bytes]:
    """Debian's docker-registry on loopback."""
    config = made.folder / "registry.json"  # JSON is YAML
    storage = {"filesystem": {"rootdirectory": str(made.folder / "registry")}}
    log = {"level": "error", "accesslog": {"disabled": True}}
    config.write_text(
        json.dumps({"version": 0.1, "log": log, "storage": storage, "http": {"addr": made.registry}})
    )
    with (made.folder / "registry.log").open("wb") as file:
        # A group of its own, so that Ctrl-C leaves it up until the containers are gone.
        process = subprocess.Popen(
            ["docker-registry", "serve", config], stdout=file, stderr=file, start_new_session=True
        )
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"http://{made.registry}/v2/", timeout=1):
                return process
        except OSError:
            time.sleep(0.05)
    process.terminate()
    raise RuntimeError(f"the registry does not answer:\n{(made.folder / 'registry.log').read_text()}")


def build(made: World) -> None:
    """Build and push: two good versions of both, and two more backends that answer 500."""
    both = [(name, version) for version in ("1", "2") for name in ("backend", "frontend")]
    for name, version in (*both, *(("backend", version) for version in BROKEN)):
        context = made.folder / name
        if not context.exists():
            shutil.copytree(HERE / name, context)
            shutil.copy(shutil.which("busybox") or "/bin/busybox", context / "busybox")
        tag = f"{made.registry}/{name}:{version}"
        flags = [f"--build-arg=VERSION={version}", *(["--build-arg=STATUS=500"] if version in BROKEN else [])]
        made.quietly("docker", "build", "--quiet", "--tag", tag, *flags, context)
        made.quietly("docker", "push", "--quiet", tag)
        made.quietly("docker", "rmi", "--no-prune", tag)  # the host is to pull it


def write_repository(made: World) -> None:
    """A repository with nothing in it but the Compose file, and an empty remote."""
    made.quietly("git", "init", "--quiet", "--initial-branch=main", made.repository)
    made.quietly("git", "init", "--quiet", "--initial-branch=main", "--bare", made.remote)
    made.quietly("git", "-C", made.repository, "remote", "add", "origin", made.remote)
    for key, value in (("user.name", "Demo"), ("user.email", "demo@example.org")):
        made.quietly("git", "-C", made.repository, "config", key, value)
    text = (HERE / "docker-compose.yml").read_text()
    text = text.replace("REGISTRY", made.registry).replace("BACKEND_PORT", str(made.backend_port))
    text = text.replace("FRONTEND_PORT", str(made.frontend_port))
    (made.repository / "docker-compose.yml").write_text(text)


def remove(made: World) -> None:
    """Take away from the engine what the demo put there; each step works without the others."""
    label = f"label=com.docker.compose.project={made.project}"
    for kind, words in (("container", ["--all"]), ("network", []), ("volume", [])):
        found = made.quietly("docker", kind, "ls", *words, "--quiet", "--filter", label, check=False).split()
        if found:
            force = ["--force"] if kind == "container" else []
            made.quietly("docker", kind, "rm", *force, *found, check=False)
    for name in ("backend", "frontend"):
        images = made.quietly("docker", "images", "--quiet", f"{made.registry}/{name}", check=False).split()
        if images:
            made.quietly("docker", "rmi", "--force", *dict.fromkeys(images), check=False)


def free_ports(count: int) -> list[int]:
    """Loopback ports that were free a moment ago."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [int(listener.getsockname()[1]) for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()
