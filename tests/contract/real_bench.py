"""The contract's bench over a real engine."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler.adapters.docker_host import DockerHost
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Instance
from reconciler.ports import Events
from tests.bed.registry import free_port, push
from tests.bed.tools import docker, run
from tests.contract.bench import DATA, Spec, new
from tests.images.build import build


@dataclass(slots=True)
class RealBench:
    """Over a real engine, with `docker compose` as people call it.

    `host` is the engine's URL, `images` the prefix of the names of its images, `restart` restarts it.
    """

    folder: Path
    host: str
    images: str
    engine: DockerHost
    restart: Callable[[], None] = field(default=lambda: None)
    project: str = field(default_factory=lambda: f"contract-{secrets.token_hex(4)}")
    pushed: list[ImageRef] = field(default_factory=list)

    @property
    def events(self) -> Events:
        return self.engine.events

    def define(self, *specs: Spec) -> None:
        self.define_raw({spec.name: self._service(spec) for spec in specs})

    def define_raw(self, services: dict[str, Any], **top: Any) -> None:
        """Write any Compose file; JSON is YAML."""
        (self.folder / "compose.yaml").write_text(json.dumps({"services": services, **top}))

    def create(self, service: str = "web") -> Instance:
        self.compose("compose.yaml", service, 1)
        return self.engine.observe(self.project).of(service)[0]

    def template(self, service: str = "web") -> Instance:
        override = {"labels": {"reconcile.template": "1"}, "container_name": "RESET"}
        text = json.dumps({"services": {service: override}}).replace('"RESET"', "!reset null")
        (self.folder / "templates.reconcile.yaml").write_text(text)
        before = self.engine.observe(self.project).of(service)
        self.compose("templates.reconcile.yaml", service, len(before) + 1)
        return new(self.engine.observe(self.project).of(service), before)

    def compose(self, last_file: str, service: str, count: int) -> None:
        """Create containers of one service, as the program's Compose adapter does."""
        files = dict.fromkeys(("compose.yaml", last_file))
        flags = [part for file in files for part in ("-f", str(self.folder / file))]
        command = ["docker", "--host", self.host, "compose", "--project-name", self.project, *flags, "up"]
        command += ["--no-start", "--no-deps", "--no-recreate", "--pull", "never"]
        run(*command, "--scale", f"{service}={count}", service)

    def inspect(self, container: str) -> dict[str, Any]:
        """All that the engine says of a container."""
        found: list[dict[str, Any]] = json.loads(docker("inspect", container, host=self.host))
        return found[0]

    def volume(self, container: str) -> str:
        mounts = self.inspect(container)["Mounts"]
        return str(next(mount["Name"] for mount in mounts if mount["Destination"] == DATA))

    def volumes(self) -> set[str]:
        return set(self._docker("volume", "ls", "--quiet"))

    def discard_volume(self, name: str) -> None:
        self._docker("volume", "rm", name)

    def tags(self) -> dict[str, str]:
        pattern = f"reference={self.project}/*"
        lines = self._docker(
            "images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}}|{{.ID}}", "--filter", pattern
        )
        return dict(line.split("|") for line in lines)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def pause(self, container: str) -> None:
        docker("pause", container, host=self.host)

    def free_port(self) -> int:
        return free_port()

    def published(self) -> ImageRef:
        tag = f"{os.environ['RECONCILE_BED_REGISTRY']}/{self.project}:1"
        build(tag, version=self.project)
        self.pushed.append(ImageRef.parse(f"{tag}@{push(tag)}"))
        docker("rmi", tag)
        return self.pushed[-1]

    def restart_engine(self) -> None:
        self.restart()

    def close(self) -> None:
        """Remove everything of this project, also what Compose no longer knows."""
        label = f"label=com.docker.compose.project={self.project}"
        containers = self._docker("ps", "--all", "--quiet", "--filter", label)
        mounts = [mount for container in containers for mount in self.inspect(container)["Mounts"]]
        volumes = {mount["Name"] for mount in mounts if mount["Type"] == "volume"}
        self._remove(containers, "rm", "--force", "--volumes")
        volumes |= set(self._docker("volume", "ls", "--quiet", "--filter", label))
        self._remove(volumes & self.volumes(), "volume", "rm")
        self._remove(self._docker("network", "ls", "--quiet", "--filter", label), "network", "rm")
        present = {image.by_digest for image in self.pushed} - {
            image.by_digest for image in self.engine.missing(self.pushed)
        }
        self._remove(present, "rmi", "--force")
        self._remove(self.tags(), "rmi")
        self.engine.close()

    def _docker(self, *arguments: str) -> list[str]:
        return docker(*arguments, host=self.host).split()

    def _remove(self, names: Iterable[str], *command: str) -> None:
        if found := sorted(set(names)):
            self._docker(*command, *found)

    def _service(self, spec: Spec) -> dict[str, Any]:
        image = spec.image or f"{self.images}/{spec.kind}:1"
        service: dict[str, Any] = {"image": image, "restart": spec.restart}
        if spec.port:
            service["ports"] = [f"127.0.0.1:{spec.port}:8080"]
        if spec.joins:
            service["network_mode"] = f"service:{spec.joins}"
            service["environment"] = {"PORT": "8081"}  # the other one listens on 8080, in the same network
        if spec.container_name:
            service["container_name"] = spec.container_name
        if spec.memory_limit_bytes:
            service["mem_limit"] = spec.memory_limit_bytes
        if spec.cpus:
            service["cpus"] = spec.cpus
        return service
