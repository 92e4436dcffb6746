"""Commands that an environment has run at moments of a release."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from reconciler.domain.data import Hook
from reconciler.domain.environment import Environment


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended.

    ``code`` is its exit code, None where it was ended at its time limit. ``output`` is the last 4 KiB of what
    it wrote: lines of visible characters, without secrets that are known here.
    """

    code: int | None
    output: str


@dataclass(frozen=True, slots=True)
class Invocation:
    """How a process is started: argument list, environment, folder, what it reads, and what hides secrets."""

    command: tuple[str, ...]
    environ: Mapping[str, str]
    folder: Path
    text: str = ""
    conceal: Callable[[str], str] = field(default=lambda said: said)


class Hooks(Protocol):
    """Runs hooks, on the host itself or in one-off containers."""

    def run(
        self,
        environment: Environment,
        files: Sequence[Path],
        hook: Hook,
        variables: Mapping[str, str],
        images: Mapping[str, str],
    ) -> Ran:
        """Run a command once and wait for its end, at most as long as its time limit.

        A container that it runs in is marked as ours, and is a template in what the engine observes
        (``Instance.template``). Where it had to be ended it may be left behind.

        Args:
            environment: whose hook.
            files: the Compose files and the pins file, absolute.
            hook: what is run.
            variables: what it finds in its environment besides what it needs to run at all.
            images: service → image that counts instead of its pin.

        Raises:
            HookFailed: it cannot be started.
        """
