"""The storyteller: runs commands as they are shown, and remembers which promises were kept."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path

from customer import Seen, ask
from world import World

WIDTH = 98


@dataclass(slots=True)
class Teller:
    """Shows commands and pages, and remembers broken promises and what was measured."""

    world: World
    broken: list[str] = field(default_factory=list)
    rows: list[tuple[str, str]] = field(default_factory=list)
    chapters: int = 0

    def chapter(self, title: str, text: str = "") -> None:
        """A numbered heading, and what it is about."""
        self.chapters += 1
        heading = f"── {self.chapters}. {title} "
        print(f"\n{heading:─<{WIDTH}}", flush=True)
        if text:
            print(textwrap.fill(text, WIDTH), flush=True)

    def say(self, text: str) -> None:
        """A few words between two commands."""
        print(f"\n{textwrap.fill(text, WIDTH)}", flush=True)

    def show(self, command: str) -> None:
        """Show a command, as it is typed into a shell."""
        print(f"\n$ {command.replace(f'{self.world.registry}/', '$REGISTRY/')}", flush=True)

    def run(self, command: str, *, code: int = 0, says: tuple[str, ...] = ()) -> float:
        """Show a command of the shell and run it, with its output.

        Args:
            command: with its pipes, if it has any.
            code: the exit code that is promised, of the first of the commands in a pipe that fails.
            says: words that its output is promised to have.

        Returns:
            Seconds from its start to its end.
        """
        self.show(command)
        started = time.monotonic()
        # Only what is compared goes through a pipe: at a terminal, the others are to look as they do there.
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.world.repository,
            env=self.world.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if says else sys.stdout,
            stderr=sys.stdout,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - started
        if says:
            print(done.stdout, end="", flush=True)
        if code or done.returncode:
            print(f"$ echo $?\n{done.returncode}", flush=True)
        self.promise(done.returncode == code, f"`{command}` exits with {code} (it was {done.returncode})")
        for words in says:
            self.promise(words in done.stdout, f"`{command}` says {words!r}")
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

    def measured(self, what: str, value: str) -> None:
        """Remember a line of the last chapter."""
        self.rows.append((what, value))

    def traffic(self, seen: Seen) -> None:
        """Remember what a customer saw during the pass that was measured last."""
        failures = f"{seen.failures} without a good answer"
        self.measured(
            "  customer meanwhile", f"{seen.requests} requests, {failures}, longest gap {seen.gap:.2f} s"
        )

    def tip(self, where: Path) -> str:
        """The short id of the last commit on main, in one of the two repositories."""
        return self.world.quietly("git", "-C", where, "rev-parse", "--short", "main")
