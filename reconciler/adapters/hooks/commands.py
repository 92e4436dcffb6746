"""Hooks as commands: where they run, what they find there, and what is kept of their output."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from reconciler.adapters.hooks.process import run_bounded
from reconciler.domain.data import Hook
from reconciler.domain.environment import Environment
from reconciler.ports.hooks import Invocation, Ran

OUTPUT_BYTES: Final = 4096
_INHERITED: Final = frozenset(
    ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "XDG_RUNTIME_DIR")
)
"""What a program needs to run at all. Credentials of ours are none of its business."""
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class OneOff(Protocol):
    """Says how a command is run in a one-off container of a service."""

    def __call__(
        self,
        environment: Environment,
        files: Sequence[Path],
        service: str,
        command: Sequence[str],
        variables: Mapping[str, str],
        images: Mapping[str, str],
    ) -> Invocation: ...


@dataclass(frozen=True, slots=True)
class CommandHooks:
    """The ``Hooks`` port.

    Args:
        environ: our own environment.
        folder: the folder of ``reconcile.yaml``, which relative project directories start from.
        one_off: how a command is run in a container.
        conceal: takes secrets that we know out of a text.
    """

    environ: Mapping[str, str]
    folder: Path
    one_off: OneOff
    conceal: Callable[[Environment, str], str]

    def run(
        self,
        environment: Environment,
        files: Sequence[Path],
        hook: Hook,
        variables: Mapping[str, str],
        images: Mapping[str, str],
    ) -> Ran:
        """See ``ports.Hooks``."""
        if hook.service:
            how = self.one_off(environment, files, hook.service, hook.command, variables, images)
        else:
            how = self._outside(environment, hook, variables)
        code, said = run_bounded(how, hook.time_limit_seconds)
        return Ran(code, last_part(self.conceal(environment, how.conceal(said))))

    def _outside(self, environment: Environment, hook: Hook, variables: Mapping[str, str]) -> Invocation:
        """On the host itself, in the project directory."""
        kept = {n: v for n, v in self.environ.items() if n in _INHERITED or n.startswith("LC_")}
        folder = (self.folder / environment.directory).resolve()
        return Invocation(hook.command, {**kept, **variables}, folder)


def last_part(said: str) -> str:
    """The last 4 KiB of an output: lines of visible characters, without colours."""
    plain = _COLOURS.sub("", said.replace("\r\n", "\n").replace("\r", "\n"))
    shown = "".join(one if one.isprintable() or one in "\n\t" else "?" for one in plain).strip()
    return shown.encode()[-OUTPUT_BYTES:].decode(errors="ignore")
