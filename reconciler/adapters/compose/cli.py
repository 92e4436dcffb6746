"""Docker Compose: resolve the model, create containers, run commands in one-off ones."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.adapters.compose import model, remembered
from reconciler.adapters.compose.conceal import conceal
from reconciler.adapters.compose.executable import Executable, Output
from reconciler.adapters.compose.inputs import Inputs, inputs_of, signature
from reconciler.adapters.compose.override import (
    HOOK,
    TEMPLATE,
    image_line,
    joined,
    override_text,
    resolved_variables,
)
from reconciler.adapters.compose.powers import host_paths
from reconciler.domain.desired import Service
from reconciler.domain.environment import Environment
from reconciler.errors import ComposeFailed, Finding, InvalidSettings, InvalidState
from reconciler.ports import Model
from reconciler.ports.hooks import Invocation


@dataclass(frozen=True, slots=True)
class ComposeCli:
    """The ``Compose`` port over the executable.

    Args:
        executable: how Compose is called.
        environ: the environment of its children; ``COMPOSE_*`` variables are left out, because they
            would change which files and projects are meant.
        folder: the folder of ``reconcile.yaml``, which relative project directories start from.
        memory: the state directory, for what Compose made of its files last time; None to ask it each time.
    """

    executable: Executable
    environ: Mapping[str, str]
    folder: Path
    memory: Path | None = None
    _hashed: dict[tuple[object, str], Mapping[str, str]] = field(default_factory=dict)
    _followed: dict[tuple[Path, ...], tuple[object, Inputs]] = field(default_factory=dict)

    def files(self, environment: Environment) -> tuple[Path, ...]:
        """See ``ports.Compose``."""
        directory = self._directory(environment)
        findings: list[Finding] = []
        found: list[Path] = []
        for name in environment.compose:
            file = directory / name
            if not file.is_file():
                findings.append(Finding(name, 0, 0, f"there is no such file in {directory}"))
            elif not file.resolve().is_relative_to(directory):
                findings.append(Finding(name, 0, 0, f"it leads out of {directory}"))
            found.append(file)
        if findings:
            problem = f"the Compose files of {environment.name} are not where reconcile.yaml says"
            raise InvalidState(problem, findings=tuple(findings))
        return tuple(found)

    def inputs(self, environment: Environment, files: Sequence[Path]) -> tuple[Path, ...]:
        """See ``ports.Compose``."""
        return self._inputs(environment, files).files

    def stamp(self, environment: Environment, files: Sequence[Path]) -> object | None:
        """See ``ports.Compose``. The process's own variables count too: Compose interpolates them."""
        directory = self._directory(environment)
        return self._inputs(environment, files).stamp(files, directory, self.environ)

    def resolve(self, environment: Environment, files: Sequence[Path]) -> Model:
        """See ``ports.Compose``. What it was last time, where nothing that matters has changed since."""
        question = self._question(environment, files)
        known = self._known(environment, question)
        if known is not None:
            return known.model
        inputs = self._inputs(environment, files)
        before = question.digest(inputs.files)
        found, spec = self._resolve(environment, files)
        if self._keeps(inputs, spec) and question.digest(inputs.files) == before:
            paths = {path for one in spec["services"].values() for path, _ in host_paths(one, spec)}
            links = {path: os.path.realpath(path) for path in sorted(paths)}
            remembered.write(self._memory_file(environment), before, remembered.Answer(found, inputs, links))
        return found

    def _resolve(self, environment: Environment, files: Sequence[Path]) -> tuple[Model, dict[str, Any]]:
        """The model, and what Compose printed of the base files.

        Three children at once, because their start-up is what costs.

        The base files alone say which services there are (a mistyped name in the pins file would
        silently add one); with the pins file they give the hashes. Env files take one more step:
        see ``resolved_variables``.
        """
        directory, environ = self._directory(environment), self._environ(environment)
        base = self._flags(environment, files[:-1])
        everything = self._flags(environment, files)
        with ThreadPoolExecutor(3, thread_name_prefix="compose") as pool:
            version = pool.submit(self.executable.version, environ, directory)
            # --profile '*' shows inactive services too; the consistency of the whole is judged with the pins.
            shape = pool.submit(
                self.executable.run,
                [*base, "--profile", "*", "config", "--format", "json", "--no-consistency"],
                environ,
                directory,
            )
            hashes = pool.submit(
                self.executable.run, [*everything, "config", "--hash", "*"], environ, directory
            )
            compose_version = version.result()
            printed = _checked(hashes.result(), files)
            spec: dict[str, Any] = json.loads(_checked(shape.result(), files))
        if self._inputs(environment, files).env_files:
            arguments = [*everything, "-f", "-", "config", "--hash", "*"]
            text = override_text(resolved_variables(spec))
            printed = _checked(self.executable.run(arguments, environ, directory, text), files)
        hashed = _hashes(printed)
        inactive = tuple(sorted(set(spec.get("services") or {}) - set(hashed)))
        return Model(_services(environment, spec, hashed, files[0]), compose_version, inactive), spec

    def hashes(
        self,
        environment: Environment,
        files: Sequence[Path],
        services: Sequence[Service],
        containers: Mapping[str, str],
        images: Mapping[str, str],
    ) -> Mapping[str, str]:
        """See ``ports.Compose``. Compose hashes ``service:NAME`` as ``container:ID`` once it knows it."""
        added = {s.name: [*joined(s, containers), *image_line(images.get(s.name, ""))] for s in services}
        key = (self.stamp(environment, files), repr(added))
        if key not in self._hashed or key[0] is None:
            self._hashed.clear()
            self._hashed[key] = self._hash(environment, files, added)
        return self._hashed[key]

    def _hash(
        self, environment: Environment, files: Sequence[Path], added: Mapping[str, Sequence[str]]
    ) -> Mapping[str, str]:
        """The hashes of the services in ``added``, with these lines more."""
        environ, directory = self._environ(environment), self._directory(environment)
        flags = self._flags(environment, files)
        if self._inputs(environment, files).env_files:
            asked = [*flags, "config", "--format", "json", "--no-consistency"]
            spec = json.loads(_checked(self.executable.run(asked, environ, directory), files))
            variables = resolved_variables(spec)
            added = {name: [*lines, *variables.get(name, ())] for name, lines in added.items()}
        arguments = [*flags, "-f", "-", "config", "--hash", ",".join(added), "--no-consistency"]
        text = override_text(added)
        return _hashes(_checked(self.executable.run(arguments, environ, directory, text), files))

    def create(
        self,
        environment: Environment,
        files: Sequence[Path],
        scale: Mapping[str, int],
        images: Mapping[str, str] | None = None,
    ) -> None:
        """See ``ports.Compose``."""
        added = {name: image_line(image) for name, image in (images or {}).items() if name in scale}
        self._up(environment, files, scale, added)

    def create_templates(
        self,
        environment: Environment,
        files: Sequence[Path],
        scale: Mapping[str, int],
        images: Mapping[str, str] | None = None,
    ) -> None:
        """See ``ports.Compose``. A label marks them; a ``container_name``, which cannot scale, is reset."""
        added = {name: (*TEMPLATE, *image_line((images or {}).get(name, ""))) for name in scale}
        self._up(environment, files, scale, added)

    def one_off(
        self,
        environment: Environment,
        files: Sequence[Path],
        service: str,
        command: Sequence[str],
        variables: Mapping[str, str],
        images: Mapping[str, str],
    ) -> Invocation:
        """How a command is run in a one-off container of a service, with that service's own image.

        Nothing else is started. The container bears a label of ours, so that it is never taken for the
        service's own, nor for one that a person runs.
        """
        added = {name: image_line(image) for name, image in images.items() if name == service and image}
        override = override_text(added) if added else ""
        environ, directory = self._environ(environment), self._directory(environment)
        arguments = [*self._flags(environment, files), *(("-f", "-") if override else ())]
        told = (argument for name, value in variables.items() for argument in ("-e", f"{name}={value}"))
        return Invocation(
            command=(
                *(*self.executable.command, "--progress", "quiet", *arguments),
                *("run", "--rm", "--no-deps", "-T", "--label", HOOK, *told, "--", service, *command),
            ),
            environ=environ,
            folder=directory,
            text=override,
            conceal=lambda said: conceal(said, arguments, environ, directory),
        )

    def _up(
        self,
        environment: Environment,
        files: Sequence[Path],
        scale: Mapping[str, int],
        added: Mapping[str, Sequence[str]],
    ) -> None:
        override = override_text(added) if added else ""
        scales = [argument for name, count in scale.items() for argument in ("--scale", f"{name}={count}")]
        arguments = [
            *self._flags(environment, files),
            *(("-f", "-") if override else ()),
            *("up", "--no-start", "--no-deps", "--no-recreate", "--no-build", "--pull", "never"),
            *("--quiet-pull", *scales, "--", *scale),
        ]
        environ, directory = self._environ(environment), self._directory(environment)
        output = self.executable.run(arguments, environ, directory, override)
        if output.code:
            names = ", ".join(scale)
            raise ComposeFailed(f"Compose could not create containers of {names}: {_said(output)}")

    def _inputs(self, environment: Environment, files: Sequence[Path]) -> Inputs:
        """``inputs_of``, read again only when one of the files has another signature."""
        known = self._followed.get(tuple(files))
        if known is not None and known[0] == tuple(map(signature, (*files, *known[1].files))):
            return known[1]
        before = tuple(map(signature, files))
        answer = self._known(environment, self._question(environment, files))
        found = answer.inputs if answer is not None else inputs_of(files, self._directory(environment))
        self._followed[tuple(files)] = ((*before, *map(signature, found.files)), found)
        return found

    def _question(self, environment: Environment, files: Sequence[Path]) -> remembered.Question:
        return remembered.Question(
            self._flags(environment, files),
            files,
            self._directory(environment),
            self._environ(environment),
            Path(self.executable.command[0]),
        )

    def _known(self, environment: Environment, question: remembered.Question) -> remembered.Answer | None:
        return None if self.memory is None else remembered.read(self._memory_file(environment), question)

    def _memory_file(self, environment: Environment) -> Path:
        assert self.memory is not None
        return self.memory / f"{environment.project}.model.json"

    def _keeps(self, inputs: Inputs, spec: Mapping[str, Any]) -> bool:
        """Whether all that the answer depends on is in the question, as far as can be told.

        A script in Compose's place could call another Compose tomorrow; the content of configs and
        secrets may count for some versions.
        """
        told = inputs.certain and not inputs.nested and not (spec.get("configs") or spec.get("secrets"))
        return self.memory is not None and told and remembered.is_binary(Path(self.executable.command[0]))

    def _directory(self, environment: Environment) -> Path:
        directory = (self.folder / environment.directory).resolve()
        if not directory.is_dir():
            raise InvalidSettings(
                f"the project directory {directory} of {environment.name} does not exist",
                hint=f"Create it, or correct environments.{environment.name}.directory in reconcile.yaml",
            )
        return directory

    def _flags(self, environment: Environment, files: Sequence[Path]) -> list[str]:
        chosen = [argument for file in files for argument in ("-f", str(file))]
        directory = str(self._directory(environment))
        return ["--project-name", environment.project, "--project-directory", directory, *chosen]

    def _environ(self, environment: Environment) -> dict[str, str]:
        kept = {name: value for name, value in self.environ.items() if not name.startswith("COMPOSE_")}
        if environment.engine_host:
            kept["DOCKER_HOST"] = environment.engine_host
            kept.pop("DOCKER_CONTEXT", None)
        elif environment.engine_context:
            kept["DOCKER_CONTEXT"] = environment.engine_context
            kept.pop("DOCKER_HOST", None)
        return kept


def _services(
    environment: Environment, spec: Mapping[str, Any], hashes: Mapping[str, str], file: Path
) -> tuple[Service, ...]:
    """The services of the base files, those of inactive profiles left out, sorted by name."""
    specs: Mapping[str, Any] = spec.get("services") or {}
    findings = [
        Finding(
            str(file), 0, 0, f"{what} of service {name!r} has inline content, which this version cannot write"
        )
        for name, one in specs.items()
        for what in model.uninjected(one, spec)
        if name in hashes
    ]
    findings += [
        Finding(str(file), 0, 0, f"service {name!r} has a variable {variable!r} that no process can be given")
        for name, one in specs.items()
        for variable in model.unusable_variables(one)
        if name in hashes
    ]
    if findings:
        raise InvalidState(
            "the Compose files use what this version does not support", findings=tuple(findings)
        )
    return tuple(
        model.service(name, specs[name], hashes[name], environment.project, spec)
        for name in sorted(specs)
        if name in hashes
    )


def _hashes(printed: str) -> dict[str, str]:
    """Lines ``NAME HASH``."""
    pairs = (line.split() for line in printed.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _checked(output: Output, files: Sequence[Path]) -> str:
    """What Compose printed, when it could read its files.

    Raises:
        InvalidState: it could not; its own message names the problem, and mostly the file and line.
    """
    if output.code == 0:
        return output.stdout
    said = _said(output)
    named = [file for file in files if str(file) in said]
    line = re.search(r"\bline (\d+)", said)
    finding = Finding(
        str(named[0] if named else files[0]),
        int(line[1]) if line else 0,
        1 if line else 0,
        said.replace("\n", " "),
    )
    raise InvalidState("Docker Compose cannot read the environment's files", findings=(finding,))


def _said(output: Output) -> str:
    """The last thing that Compose complained about, without its progress lines."""
    lines = [line.strip() for line in (output.stderr or output.stdout).splitlines() if line.strip()]
    complaints = [line for line in lines if not re.match(r"(Container|Network|Volume|time=)", line)]
    return (complaints or lines or [f"exit code {output.code}"])[-1]
