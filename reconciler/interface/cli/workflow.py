"""The run as a step of a GitHub workflow: groups, annotations, the job summary, outputs and masks.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click

from reconciler.errors import ReconcileError
from reconciler.interface.cli import exit_codes
from reconciler.interface.render.github import Annotation, Kind, annotation_commands, group, masks, outputs
from reconciler.interface.render.github_annotations import of_error
from reconciler.interface.render.markdown import fitting
from reconciler.interface.render.report_markdown import error_blocks

SUMMARY_BYTES = 1024 * 1024 - 16 * 1024
"""A summary above 1 MiB is not shown at all; the slack is for what other programs of the step append."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What later steps can read.

    ``changed`` is whether something was done, or would be; ``runs`` are the passes in the journal.
    """

    changed: bool
    result: str
    code: int
    runs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Workflow:
    """A step of a workflow.

    Args:
        environ: the process's environment: it names the files of the step.
    """

    environ: Mapping[str, str]

    def mask(self, values: Iterable[str]) -> None:
        """Hide secrets in everything that the job prints from now on.

        Not where stdout is a file: nobody would read the commands there, and the values would stay.
        """
        if not _is_file():
            for line in masks(values):
                click.echo(line)

    def show(self, name: str, text: str) -> None:
        """The text of one environment, as a group in which nothing is taken for a command."""
        click.echo(group(name, text))

    def end(
        self, annotations: Iterable[Annotation], blocks: Iterable[str], told: Outputs, top: Path | None = None
    ) -> None:
        """Annotations, summary and outputs: what is left when the step is over.

        Args:
            annotations: with paths relative to ``top``.
            blocks: the summary, the most important first.
            told: the outputs.
            top: the repository's top level, where it is known.
        """
        complaints = [self._summarise(blocks), self._tell(told)]
        placed = [replace(annotation, path=self._place(annotation.path, top)) for annotation in annotations]
        every = [*placed, *(complaint for complaint in complaints if complaint is not None)]
        for line in annotation_commands(every):
            click.echo(line)

    @contextmanager
    def ended_by_errors(self) -> Iterator[None]:
        """An error that ends the run is annotated, and in summary and outputs, before it goes its way."""
        try:
            yield
        except ReconcileError as error:
            told = Outputs(changed=False, result="failed", code=exit_codes.of_error(error))
            self.end(of_error(error), error_blocks(error), told)
            raise

    def _place(self, path: str, top: Path | None) -> str:
        """A path as annotations need it: relative to the workspace, which may hold the repository."""
        workspace = self.environ.get("GITHUB_WORKSPACE", "")
        if not path or not workspace or top is None:
            return path
        relative = os.path.relpath((top / path).absolute(), workspace)
        return path if relative.startswith("..") else relative

    def _summarise(self, blocks: Iterable[str]) -> Annotation | None:
        file = self.environ.get("GITHUB_STEP_SUMMARY", "")
        if not file:
            return None
        try:
            there = Path(file).stat().st_size if Path(file).exists() else 0
        except OSError as error:
            return _lost("summary", error)
        return _append("summary", file, fitting(blocks, SUMMARY_BYTES - there))

    def _tell(self, told: Outputs) -> Annotation | None:
        file = self.environ.get("GITHUB_OUTPUT", "")
        values = {
            "changed": str(told.changed).lower(),
            "result": told.result,
            "exit-code": str(told.code),
            "run-id": ",".join(told.runs),
        }
        return _append("output", file, outputs(values)) if file else None


def _append(what: str, file: str, text: str) -> Annotation | None:
    """Append to a file of the runner. That it cannot be written changes nothing about a deploy."""
    try:
        with Path(file).open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        return _lost(what, error)
    return None


def _lost(what: str, error: OSError) -> Annotation:
    return Annotation(Kind.WARNING, "reconcile", f"the step's {what} cannot be written: {error.strerror}")


def _is_file() -> bool:
    try:
        return stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
    except (OSError, ValueError):
        return False
