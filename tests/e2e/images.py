"""The images of the suite: built once, pushed to one throwaway registry, known by their digests."""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.bed.registry import Registry, push
from tests.bed.tools import docker
from tests.images.build import build

SWITCHES = {
    "crash": {"CRASH": "7"},
    "broken": {"STATUS": "500"},
    "faulty": {"STATUS": "500"},
    "brief": {"DIE_AFTER": "0.2"},
    "dying": {"DIE_AFTER": "1.5"},
    "loop": {"DIE_AFTER": "3"},
    "late": {"STATUS_AFTER": "3", "STATUS_LATER": "500"},
    "slow0": {"DELAY_MS": "100"},
    "slow10": {"DELAY_MS": "110"},
    "slow30": {"DELAY_MS": "130"},
    "slow60": {"DELAY_MS": "160"},
    "leak": {"LEAK_KB_PER_S": "4096"},
    "oom": {"EAT_MB": "64", "EAT_AFTER": "1"},
    "logerr": {"LOG_EVERY": "0.2", "LOG_LINE": "ERROR the database does not answer"},
    "nologin": {"LOGIN": "broken"},
}
"""Tags that misbehave; every other tag is a version that works.

slow0 works; slow10 to slow60 are so many percent slower. oom needs a service with ``mem_limit: 24m``.
"""


@dataclass(slots=True)
class Images:
    """Images by short name: ``web:2``, ``volume:1``, ``health:broken``; the repository names the variant."""

    registry: Registry
    _digests: dict[str, str] = field(default_factory=dict)

    def pinned(self, name: str) -> str:
        """``REGISTRY/web:2@sha256:…``, built and pushed when it is asked for first. It is on the engine."""
        if name not in self._digests:
            variant, _, tag = name.partition(":")
            build(self.tag(name), variant=variant, version=tag, **SWITCHES.get(tag, {}))
            self._digests[name] = push(self.tag(name))
        return f"{self.tag(name)}@{self._digests[name]}"

    def tag(self, name: str) -> str:
        """``REGISTRY/web:2``."""
        return f"{self.registry.address}/{name}"

    def id(self, name: str) -> str:
        """The image's id on the engine of the bed."""
        return docker("inspect", "--format", "{{.Id}}", self.pinned(name)).strip()

    def elsewhere(self, name: str, last_lines: str = "") -> str:
        """An image that no engine has, with a layer of its own, so that a pull has to transfer something.

        Returns:
            ``web:TAG@sha256:…``, without the registry: for use behind any address that leads to it.
        """
        tag = f"{name.partition(':')[0]}:{secrets.token_hex(4)}"
        with tempfile.TemporaryDirectory(prefix="reconcile-image-") as folder:
            payload = Path(folder) / "payload"
            payload.write_bytes(secrets.token_bytes(200_000))
            lines = f"FROM {self.pinned(name)}\nCOPY payload /payload\n{last_lines}"
            (Path(folder) / "Dockerfile").write_text(lines)
            docker("build", "--quiet", "--tag", self.tag(tag), folder)
        digest = push(self.tag(tag))
        docker("rmi", self.tag(tag))
        return f"{tag}@{digest}"

    def close(self) -> None:
        """Take every name of this registry from the engine."""
        forget(self.registry.address)


def forget(address: str) -> None:
    """Take every name of images of the registry at ``address`` from the engine of the bed."""
    listed = docker("images", "--digests", "--format", "{{.Repository}} {{.Tag}} {{.Digest}}")
    for repository, tag, digest in (line.split() for line in listed.splitlines()):
        if repository.startswith(f"{address}/"):
            docker("rmi", f"{repository}@{digest}" if tag == "<none>" else f"{repository}:{tag}")
