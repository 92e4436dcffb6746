"""The Docker Engine, through the Docker SDK. Nothing here imports the SDK before the first request."""

from __future__ import annotations

from reconciler.adapters.docker_host.host import DockerHost

__all__ = ["DockerHost"]
