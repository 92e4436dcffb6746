"""The main job from end to end, told as a story. Every command and every answer is real: see README.md."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass, field

from customer import Seen, ask, customer
from world import World, world

SETTINGS = """\
version: 1
environments:
  production:
    project: {project}
    directory: ..
    compose: [docker-compose.yml]
    gate:
      timeout: 3s
      soak: 500ms
      checks:
        backend: {{http: {{url: "http://127.0.0.1:{port}/cgi-bin/hello"}}}}
"""
V1, V2 = "frontend 1, backend 1", "frontend 2, backend 2"


@dataclass(slots=True)
class Demo:
    """The storyteller: shows commands, remembers promises and times."""

    world: World
    broken: list[str] = field(default_factory=list)
    rows: list[tuple[str, str]] = field(default_factory=list)

    def chapter(self, number: int, title: str, text: str = "") -> None:
        """A heading, and what it is about."""
        print(f"\n── {number}. {title} {'─' * (94 - len(title))}")
        if text:
            print(textwrap.fill(text, 98))

    def run(self, command: str, *, code: int = 0) -> float:
        """Show a command and run it, with its output; returns how long it took."""
        shown = command.replace(f"{self.world.registry}/", "$REGISTRY/")
        print(f"\n$ {shown}", flush=True)
        words = shlex.split(command)
        started = time.monotonic()
        done = subprocess.run(
            words,
            cwd=self.world.repository,
            env=self.world.environment,
            stdin=subprocess.DEVNULL,
            stdout=sys.stdout,
            stderr=subprocess.STDOUT,
            check=False,
        )
        seconds = time.monotonic() - started
        if code or done.returncode:
            print(f"\n$ echo $?\n{done.returncode}", flush=True)
        self.promise(done.returncode == code, f"`{shown}` exits with {code}, not {done.returncode}")
        return seconds

    def page(self, wanted: str) -> None:
        """Look at the page as a customer does."""
        print(f"\n$ curl {self.world.page}")
        said = ask(self.world.page)
        print(said or "(no good answer)", flush=True)
        self.promise(said == wanted, f"the page says {wanted!r}")

    def promise(self, kept: bool, what: str) -> None:
        """Remember a promise that was not kept."""
        if not kept:
            print(f"\n!! promise broken: {what}", flush=True)
            self.broken.append(what)

    def traffic(self, seen: Seen) -> str:
        """What a customer saw, as a sentence."""
        return f"{seen.requests} requests, {seen.failures} without an answer, longest gap {seen.gap:.2f} s"

    def commit(self, name: str = "HEAD") -> str:
        """The short id of a commit."""
        return self.world.quietly("git", "-C", self.world.repository, "rev-parse", "--short", name)


def set_up(demo: Demo) -> None:
    """From a Compose file to a repository that says what should run."""
    demo.chapter(
        1,
        "A Git repository says what should run",
        "A small shop: a frontend and a backend in a docker-compose.yml. `reconcile init` writes a state "
        "folder beside it; a health check goes into it, and all of it into Git.",
    )
    demo.run(f"reconcile init production -f docker-compose.yml --project {demo.world.project}")
    settings = SETTINGS.format(project=demo.world.project, port=demo.world.backend_port)
    (demo.world.repository / "state/reconcile.yaml").write_text(settings)
    demo.run("git add .")
    demo.run("git commit --quiet -m 'A shop'")


def release(demo: Demo, version: int, services: str, *, code: int = 0) -> Seen:
    """Pin a version, and make it run while a customer keeps asking."""
    tag = f"{{}}=:{version}" if version > 1 else f"{{}}={demo.world.registry}/{{}}:1"
    pins = " ".join(tag.format(name, name) for name in services.split())
    demo.run(f"reconcile pin production {pins}")
    with customer(demo.world.page) as seen:
        seconds = demo.run("reconcile --once", code=code)
    demo.rows.append((f"pass that {'rejects' if code else 'releases'} version {version}", f"{seconds:.2f} s"))
    return seen


def first_releases(demo: Demo) -> str:
    """Version 1 on an empty host, then version 2 under load; returns version 2's commit."""
    demo.chapter(
        2,
        "Release version 1",
        "A release is a commit: `pin` asks the registry for the digest and changes one line per service.",
    )
    release(demo, 1, "backend frontend")
    demo.page(V1)
    demo.chapter(3, "Release version 2, while a customer keeps asking for the page")
    seen = release(demo, 2, "backend frontend")
    demo.page(V2)
    first = seen.first(V2)
    demo.promise(first is not None, "the customer sees version 2")
    demo.rows.append(("  customer meanwhile", demo.traffic(seen)))
    demo.rows.append(("  from the start of the pass to version 2's first answer", f"{first or 0:.2f} s"))
    return demo.commit()


def broken_release(demo: Demo) -> None:
    """Version 3 answers 500: the host goes back by itself."""
    demo.chapter(
        4,
        "Release version 3, which is broken",
        "Its backend answers every request with 500. The gate sees it, and version 2 comes back without "
        "anybody doing anything. Exit code 10 says so to whoever called.",
    )
    seen = release(demo, 3, "backend", code=10)
    demo.page(V2)
    demo.rows.append(("  customer meanwhile", demo.traffic(seen)))
    demo.rows.append(("  rejected commit, exit code", f"{demo.commit()}, 10"))
    print("\nGit still asks for version 3; a revert makes it say what runs. Then there is nothing to do.")
    demo.run("git revert --no-edit HEAD")
    seconds = demo.run("reconcile --once")
    demo.rows.append(("pass with nothing to do", f"{seconds:.2f} s"))


def revert(demo: Demo, version_2: str) -> None:
    """Back to version 1, with nothing but Git."""
    demo.chapter(5, "Roll back to version 1: revert the commit that pinned version 2")
    demo.run(f"git revert --no-edit {version_2}")
    with customer(demo.world.page) as seen:
        seconds = demo.run("reconcile --once")
    demo.page(V1)
    demo.run("git log --oneline --reverse -- state/production/compose.pins.yaml")
    demo.rows.append(("pass that rolls back to version 1", f"{seconds:.2f} s"))
    demo.rows.append(("  customer meanwhile", demo.traffic(seen)))


def tell(demo: Demo) -> None:
    """The whole story, and the table of times."""
    set_up(demo)
    version_2 = first_releases(demo)
    broken_release(demo)
    revert(demo, version_2)
    demo.chapter(6, "What was measured")
    for name, value in demo.rows:
        print(f"{name:<56} {value}")
    if demo.broken:
        print(f"\n{len(demo.broken)} promises were broken:", *demo.broken, sep="\n  ")
    else:
        print("\nEvery promise was kept. Registry, images, containers and repository are removed again.")


def main() -> int:
    """Exit code 0 when every promise was kept; the world is removed in any case."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print("reconcile: Git says what should run, Docker says what runs, and each pass compares the two.")
    print("Preparing a registry, five small images and a repository …", flush=True)
    try:
        with world() as made:
            demo = Demo(made)
            tell(demo)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left is cleaning up
            return 1 if demo.broken else 0
    except KeyboardInterrupt:
        print("\nInterrupted; everything is removed again.")
        return 130


if __name__ == "__main__":
    sys.exit(main())
