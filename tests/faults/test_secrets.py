"""Security checklist, row 7: canaries through a release and a handful of failures, found nowhere."""

from __future__ import annotations

import base64
import os
import re
import secrets
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from reconciler.adapters.compose.conceal import conceal
from tests.bed.git_world import GitWorld, http_server
from tests.bed.registry import Registry, free_port, push
from tests.e2e.prober import get
from tests.e2e.runs import Result
from tests.e2e.world import World
from tests.faults.inside import forget

NAMES = ("registry", "variable", "file", "url", "url-file", "remote")

STACK = """
services:
  web:
    image: web
    ports: ["127.0.0.1:{port}:8080"]
    environment: {{DB_PASSWORD: "${{DB_PASSWORD}}"}}
    env_file: web.env
    secrets: [key]
secrets: {{key: {{file: ./key.txt}}}}
"""


def forms(canary: str) -> set[str]:
    """A value as it might show up: plain, url-encoded, and base64 at each alignment."""
    found = {canary, quote(canary), quote(canary, safe="")}
    for offset in range(3):
        coded = base64.b64encode(b"x" * offset + canary.encode()).decode()
        found.add(coded[4 if offset else 0 : -4])
    return found


class Watch:
    """The command lines of every process, sampled as fast as they can be read."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._done = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[None]:
        thread = threading.Thread(target=self._sample, daemon=True)
        thread.start()
        yield
        self._done.set()
        thread.join(10)

    def _sample(self) -> None:
        while not self._done.wait(0.01):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue


def stored(world: World) -> dict[str, str]:
    """Everything that is kept of a world, by where it is."""
    found = {}
    for folder in (world.root / "memory", world.root / "tmp"):
        for file in folder.rglob("*"):
            if file.is_file():
                found[str(file)] = file.read_bytes().decode(errors="replace")
    found["commits"] = world.git("log", "--all", "--reflog", "--patch", "--format=raw")
    for container in world.containers():
        found[f"labels of {container.name}"] = str(container.content["Config"]["Labels"])
    return found


def hits(texts: dict[str, str], canaries: dict[str, str]) -> list[str]:
    return [
        f"{name} canary in {place}"
        for place, text in texts.items()
        for name, canary in canaries.items()
        for form in forms(canary)
        if form in text
    ]


@pytest.fixture
def canaries() -> dict[str, str]:
    return {name: f"canary-{secrets.token_hex(6)}/+& {index}" for index, name in enumerate(NAMES)}


def login(folder: Path, registry: Registry, password: str) -> dict[str, str]:
    """A configuration of the docker command with a login; returns what points to it."""
    plugins = Path(os.environ["DOCKER_CONFIG"]) / "cli-plugins"
    if plugins.is_dir():
        shutil.copytree(plugins, folder / "cli-plugins", symlinks=True, dirs_exist_ok=True)
    folder.mkdir(exist_ok=True)
    coded = base64.b64encode(f"ada:{password}".encode()).decode()
    (folder / "config.json").write_text(f'{{"auths": {{"{registry.address}": {{"auth": "{coded}"}}}}}}')
    return {"DOCKER_CONFIG": str(folder)}


def remote(world: World, root: Path) -> GitWorld:
    """A bare repository that the world's history is pushed to; it asks for a password over HTTP."""
    root.mkdir()
    git = GitWorld.new(root)
    git.git(root, "clone", "--quiet", "--bare", str(world.repository), str(root / "origin.git"))
    return git


def test_row_7_no_secret_is_shown_kept_or_passed_on(
    world: World, canaries: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    health = f"http://127.0.0.1:{port}/health?token=${{PROBE_TOKEN}}&other=${{OTHER}}"
    world.write(".env", f"DB_PASSWORD='{canaries['variable']}'\n")
    world.write("web.env", f"SEED={canaries['variable']}\n")
    world.write("key.txt", canaries["file"])
    world.write(".gitignore", ".env\nweb.env\nkey.txt\n")
    (tmp_path / "other").write_text(canaries["url-file"])
    watch, results = Watch(), list[Result]()
    with Registry(user=("ada", canaries["registry"])) as registry, watch.watching():
        surroundings = login(tmp_path / "docker", registry, canaries["registry"]) | {
            "PROBE_TOKEN": quote(canaries["url"], safe=""),
            "OTHER_FILE": str(tmp_path / "other"),
        }
        monkeypatch.setenv("DOCKER_CONFIG", surroundings["DOCKER_CONFIG"])
        pins = {tag: _guarded(world, registry, tag) for tag in ("1", "2", "crash")}

        def run(code: int, *arguments: str, **more: str) -> Result:
            results.append(world.reconcile(*arguments, environ={**surroundings, **more}).expect(code))
            return results[-1]

        world.check("health", health)
        world.stack(STACK.format(port=port), web=pins["1"])
        run(0, "--once")
        assert get(f"http://127.0.0.1:{port}/health")[0] == 200, "the success is one"
        with http_server(remote(world, tmp_path / "origin"), user="ada", password=canaries["remote"]) as at:
            password = quote(canaries["remote"], safe="")
            url = f"http://ada:{password}@127.0.0.1:{at}/origin.git"
            with (world.repository / ".git/config").open("a") as config:
                config.write(
                    f'[remote "origin"]\n  url = {url}\n  fetch = +refs/heads/*:refs/remotes/origin/*\n'
                )
            world.git("fetch", "--quiet", "origin")
            world.git("branch", "--set-upstream-to", "origin/main")
            run(0, "pin", "production", "web=:2", "--push")
        run(0, "--once", "-o", "json")
        run(69, "pin", "production", "web=:1", "--push")
        run(64, "pin", "production", "web=:none")
        world.release(web=pins["crash"])
        run(10, "--once", "-v")
        world.git("reset", "--quiet", "--hard", "HEAD~1")
        world.docker("stop", "--time", "1", world.container("web").name)
        run(1, "verify")
        wrong = login(tmp_path / "wrong", registry, f"not-{canaries['registry']}")
        world.release(web=f"{registry.address}/web:1@sha256:{'7' * 64}")
        run(77, "--once", **wrong)
        run(77, "pin", "production", "web=:1", **wrong)
        world.write("docker-compose.yml", 'services: {web: {image: web, ports: ["${DB_PASSWORD}:80"]}}')
        world.commit()
        run(65, "--once")
        run(65, "check")
        world.remove_everything()
        forget(registry.address)
    said = {f"{' '.join(result.arguments)} ({index})": result.said for index, result in enumerate(results)}
    assert hits(said, canaries) == []
    assert hits(stored(world), canaries) == []
    # Git hands the URL of a remote to its own children; docs/security.md says so.
    gits = re.compile(r"\S*git[ -](?!-c core\.hooksPath=/dev/null)")
    ours = {line: line for line in watch.seen if not gits.match(line)}
    assert any("compose" in line for line in ours), "nothing was sampled"
    assert hits(ours, canaries) == []


def _guarded(world: World, registry: Registry, tag: str) -> str:
    """An image of the catalogue at a registry that asks for a login."""
    world.images.pinned(f"web:{tag}")
    name = f"{registry.address}/web:{tag}"
    world.docker("tag", world.images.tag(f"web:{tag}"), name)
    return f"{name}@{push(name)}"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Invalid hostPort: hunter22", "Invalid hostPort: ${PASSWORD}"),
        ('near "s3cret-part"', 'near "${…}"'),
        ("/home/ada is not there", "/home/ada is not there"),
        ("port 80 is taken", "port 80 is taken"),
        ("bad value quoted-one", "bad value ${QUOTED}"),
    ],
)
def test_row_7_what_compose_complains_about_names_variables(tmp_path: Path, said: str, shown: str) -> None:
    (tmp_path / "c.yml").write_text("services: {web: {image: '${PASSWORD}', env_file: web.env}}")
    (tmp_path / ".env").write_text("QUOTED='quoted-one'\nPORT=80\n")
    (tmp_path / "web.env").write_text("s3cret-part\n")
    environ = {"PASSWORD": "hunter22", "HOME": "/home/ada"}
    arguments: Sequence[str] = ("-f", str(tmp_path / "c.yml"), "config")
    assert conceal(said, arguments, environ, tmp_path) == shown
