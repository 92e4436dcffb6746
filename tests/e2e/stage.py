"""A stack for those who watch: what they stage, and take back."""

from __future__ import annotations

from tests.e2e.world import World

STACK = """
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
      worker:
        image: web
        stop_grace_period: 1s
    """


def by_hand(world: World, *flags: str, service: str = "web", number: int = 1, image: str = "web:2") -> str:
    """A container that says it is one of the project's."""
    labels = {"project": world.project, "service": service, "container-number": str(number)}
    told = [f"--label=com.docker.compose.{name}={value}" for name, value in labels.items()]
    return world.docker("run", "--detach", *told, *flags, world.images.pinned(image)).strip()
