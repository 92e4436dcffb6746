"""The worked example as it is in the repository, on the engine of the bed.

Its own files are what runs: `state/`, with its `reconcile.yaml`, and `examples/kompass/`. Only host ports,
project names, images, backups and the time that a gate may take are other ones. The controllable web server
stands in for all four services.
"""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.bed.registry import free_port, push
from tests.e2e.images import Images
from tests.e2e.origin import Origin
from tests.e2e.runs import Result
from tests.e2e.world import World, canary
from tests.images.build import build

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / "state" / "reconcile.yaml"
TIMEOUT, SOAK = "30s", "4s"
EMAIL = "probe@kompass.example"
DELAY_MS = "50"
"""How long an answer takes at least: beside it, what a busy machine adds is no change of latency."""
DATABASES = {"couchdb": "5984", "meilisearch": "7700"}


class Kompass:
    """A copy of the example in a world of its own, with a bare remote. Both environments are on one host.

    >>> kompass.once().expect(0)
    >>> release = kompass.release(backend=kompass.image("backend", "1.8.3", LOGIN="broken"))
    >>> kompass.once("-e", "production").expect(10)
    """

    def __init__(self, root: Path, images: Images) -> None:
        self.world = World(root, images)
        self.password = canary()
        self.ports: dict[str, int] = defaultdict(free_port)

    def __enter__(self) -> Self:
        self.world.__enter__()
        self.world.app = self.world.repository / "examples" / "kompass"
        self.world.settings["compose"] = ["docker-compose.yml", "docker-compose.production.yml"]
        self._copy()
        self._fill_in()
        self.world.git("add", "--all")
        self.world.git("commit", "--quiet", "-m", "Begin with Kompass")
        self.origin = Origin.of(self.world)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.world.__exit__(kind, error, trace)
        self.world.project = self.project("staging")
        self.world.remove_everything()

    # -- what people do ---------------------------------------------------------------------------

    @property
    def account(self) -> dict[str, str]:
        """The variables with which the checks sign in."""
        return {"PROBE_EMAIL": EMAIL, "PROBE_PASSWORD": self.password}

    def reconcile(self, *arguments: str) -> Result:
        """Run the program where the account of the checks is known."""
        return self.world.reconcile(*arguments, environ=self.account)

    def once(self, *arguments: str) -> Result:
        """One pass, reported as JSON."""
        return self.reconcile("-o", "json", *arguments, "--once")

    def release(self, environment: str = "production", **pins: str) -> str:
        """Commit other pins of an environment, and push them."""
        file = self.pins_file(environment)
        for service, image in pins.items():
            file.write_text(_pinned(file.read_text(), service, image))
        self.world.git("commit", "--quiet", "--all", "-m", f"Release {', '.join(map(_tag, pins.values()))}")
        self.world.git("push", "--quiet", "origin", "main")
        return self.origin.tip()

    def image(self, service: str, version: str, **switches: str) -> str:
        """``REGISTRY/kompass/backend:1.8.3@sha256:…``, which lets the account of the checks sign in."""
        tag = self.world.images.tag(f"kompass/{service}:{version}")
        port = {"PORT": DATABASES[service]} if service in DATABASES else {}
        login = {"LOGIN_EMAIL": EMAIL, "LOGIN_PASSWORD": self.password}
        build(tag, version=version, DELAY_MS=DELAY_MS, **port, **login, **switches)
        return f"{tag}@{push(tag)}"

    # -- what is there ----------------------------------------------------------------------------

    def project(self, environment: str) -> str:
        return (
            f"{self.world.project.removesuffix('-staging')}{'-staging' if environment == 'staging' else ''}"
        )

    def pins_file(self, environment: str) -> Path:
        return self.world.state / environment / "compose.pins.yaml"

    def url(self, port: str) -> str:
        """Where what the example publishes on ``port`` answers here."""
        return f"http://127.0.0.1:{self.ports[port]}"

    # -- the copy ---------------------------------------------------------------------------------

    def _copy(self) -> None:
        tree = shutil.ignore_patterns(".env", "*.local")
        shutil.copytree(ROOT / "examples" / "kompass", self.world.app, ignore=tree)
        shutil.copytree(ROOT / "state", self.world.state, dirs_exist_ok=True)
        example = (self.world.app / ".env.example").read_text()
        (self.world.app / ".env").write_text(re.sub(r"(?m)^(\w+)=$", r"\1=of-a-test", example))

    def _fill_in(self) -> None:
        """Only what cannot be the same in a test; each rule has to find something."""
        settings = self.world.state / "reconcile.yaml"
        _replace(settings, r"\blocalhost:(\d+)", lambda m: f"localhost:{self.ports[m[1]]}")
        _replace(settings, r"(?<=project: )kompass-(\w+)", lambda m: self.project(m[1]))
        _replace(settings, r"(?<=timeout: )\w+", lambda m: TIMEOUT)
        _replace(settings, r"(?<=soak: )\w+", lambda m: SOAK)
        # The web server that stands in for CouchDB is no database: there is nothing to back up.
        _replace(settings, r"(?<=backup: )before-release", lambda _: "off")
        for environment in ("staging", "production"):
            compose = self.world.app / f"docker-compose.{environment}.yml"
            _replace(compose, r"(?<=127\.0\.0\.1:)(\d+)(?=:)", lambda m: str(self.ports[m[1]]))
            text = self.pins_file(environment).read_text()
            for service, version in re.findall(r"kompass/(\w+):([\d.]+)@", text):
                text = _pinned(text, service, self.image(service, version))
            self.pins_file(environment).write_text(text)
        compose = self.world.app / "docker-compose.yml"
        for service in DATABASES:
            ours = self.image(service, "1")
            _replace(compose, rf"(?<=image: )\S*{service}:\S+", lambda m, ours=ours: ours)


def _replace(file: Path, pattern: str, by: Any) -> None:
    text, found = re.subn(pattern, by, file.read_text())
    assert found, f"{file.name} has no {pattern}"
    file.write_text(text)


def _pinned(text: str, service: str, image: str) -> str:
    text, found = re.subn(rf"(?m)^(  {service}:\n    image: )\S+", rf"\g<1>{image}", text)
    assert found == 1, f"{service} is not pinned"
    return text


def _tag(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2]
