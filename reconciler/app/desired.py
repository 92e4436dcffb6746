"""Read the desired state of an environment: Git, the state files and Compose, put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from reconciler.domain.check import Cpu, Exec, Logs, Memory, Question
from reconciler.domain.desired import Desired, Pin, Revision, Service
from reconciler.domain.environment import Environment, Unpinned
from reconciler.domain.powers import refused_hooks, refused_powers
from reconciler.domain.standing import Stacks, standing
from reconciler.domain.waves import DependencyCycle, waves
from reconciler.errors import Finding, InvalidState, PermissionRefused
from reconciler.ports import Compose, Model, Repository, StateFiles


@dataclass(frozen=True, slots=True)
class Source:
    """A desired state and where it came from.

    ``files`` are the Compose files and, last, the pins file, as absolute paths; ``pins_path`` is the
    pins file as people know it, relative to the repository; ``pins_text`` its content. ``stamp`` is
    ``Compose.stamp`` as it was just before the files were read.
    """

    desired: Desired
    files: tuple[Path, ...]
    pins_path: str
    pins_text: str
    stamp: object | None = None


@dataclass(slots=True)
class DesiredState:
    """Reads desired states, and reads each of them only once while nothing moves.

    Args:
        repository: the Git repository that holds the state folder.
        state_files: reads the YAML.
        compose: reads the Compose files.
        folder: the state folder, relative to the repository's top level, with ``/``.
        allow_dirty: read uncommitted files instead of refusing them.
        allowed_powers: what this host allows services to ask for; see ``domain.powers``.
    """

    repository: Repository
    state_files: StateFiles
    compose: Compose
    folder: str
    allow_dirty: bool = False
    allowed_powers: tuple[str, ...] = ()
    _last: dict[str, tuple[object, Source]] = field(default_factory=dict)
    _listed: tuple[Revision, tuple[Environment, ...]] | None = None

    def environments(self) -> tuple[Environment, ...]:
        """What ``reconcile.yaml`` says, at HEAD.

        Raises:
            InvalidSettings, RepositoryUnreachable, Refused, InvalidState.
        """
        path = self.path("reconcile.yaml")
        revision = self.repository.head()
        if self.allow_dirty:
            revision = replace(revision, dirty=bool(self.repository.uncommitted([path])))
        listed = self._listed  # another thread may exchange it at any moment
        if listed is None or listed[0] != revision or revision.dirty:
            found = self.state_files.settings(self.repository.read(revision, path), path)
            self._listed = listed = (revision, found)
        return listed[1]

    def read(self, environment: Environment) -> Source:
        """The desired state of one environment at HEAD; the last one again while nothing has moved.

        Raises:
            InvalidState: with every finding of every file; or files are uncommitted.
            PermissionRefused: a service asks for a power that the host does not allow.
        """
        files = (*self.compose.files(environment), self.repository.top / self.path(environment.pins))
        stamp = (self.repository.stamp(), self.compose.stamp(environment, files))
        known = self._last.get(environment.name)
        if known is not None and None not in stamp and known[0] == stamp:
            return known[1]
        source = replace(self._read(environment, files), stamp=stamp[1])
        self._last[environment.name] = (stamp, source)
        return source

    def _read(self, environment: Environment, files: tuple[Path, ...]) -> Source:
        """Compose's children take longest, so they run while Git is asked."""
        with ThreadPoolExecutor(1, thread_name_prefix="resolve") as pool:
            resolving = pool.submit(self.compose.resolve, environment, files)
            path = self.path(environment.pins)
            revision = self._clean(environment, files)
            text = self.repository.read(revision, path)
            pins = self.state_files.pins(text, path)
            model = resolving.result()
        self._validate(environment, model, pins, text, path)
        desired = Desired(
            environment, revision, _pinned(model.services, pins), model.compose_version, model.inactive
        )
        return Source(desired, files, path, text)

    def _clean(self, environment: Environment, files: Sequence[Path]) -> Revision:
        """HEAD, when what lies on disk is what it says.

        Raises:
            InvalidState: uncommitted files, all of them.
        """
        revision = self.repository.head()
        inside = [self.folder or "."]
        inputs = self.compose.inputs(environment, files)
        self._refuse_outside(environment, inputs)
        top, everything = self.repository.top, (*files, *inputs)
        inside += [file.relative_to(top).as_posix() for file in everything if file.is_relative_to(top)]
        uncommitted = self.repository.uncommitted(list(dict.fromkeys(inside)))
        if uncommitted and not self.allow_dirty:
            findings = tuple(Finding(path, 0, 0, "differs from the commit") for path in uncommitted)
            hint = "Commit or stash them, or try them out with --allow-dirty"
            raise InvalidState("files have uncommitted changes", findings=findings, hint=hint)
        return replace(revision, dirty=bool(uncommitted))

    def _refuse_outside(self, environment: Environment, inputs: Sequence[Path]) -> None:
        """Files that Compose files refer to must not lead to what others keep on the host."""
        directory = self.repository.top / self.folder / environment.directory
        roots = (self.repository.top.resolve(), directory.resolve())
        findings = tuple(
            Finding(str(file), 0, 0, "it lies outside of the project directory and the repository")
            for file in inputs
            if not any(file.resolve().is_relative_to(root) for root in roots)
        )
        if findings:
            problem = f"the Compose files of {environment.name} refer to files elsewhere on the host"
            raise InvalidState(problem, findings=findings, hint=f"Keep them below {directory.resolve()}")

    def _validate(
        self, environment: Environment, model: Model, pins: Sequence[Pin], text: str, path: str
    ) -> None:
        known = [*(service.name for service in model.services), *model.inactive]
        findings = [*self.state_files.unknown_services(pins, known, text, path)]
        findings += [Finding(path, 0, 0, message) for message in _conflicts(model.services)]
        findings += [
            Finding(self.path("reconcile.yaml"), 0, 0, message, hint)
            for message, hint in _strangers(environment, model)
        ]
        if environment.unpinned is Unpinned.REFUSE:
            pinned = {pin.service for pin in pins}
            unpinned = [service.name for service in model.services if service.name not in pinned]
            findings += [
                Finding(path, 0, 0, f"service {name!r} has no pin (unpinned: refuse)") for name in unpinned
            ]
        if findings:
            raise InvalidState(
                f"the desired state of {environment.name} cannot be used", findings=tuple(findings)
            )
        refused = refused_powers(environment.name, model.services, self.allowed_powers)
        if refused:
            asked = ", ".join(f"{service} asks for {power}" for service, power in refused)
            allowance = ",".join(f"{environment.name}/{service}:{power}" for service, power in refused)
            raise PermissionRefused(
                f"services of {environment.name} ask for power over the host: {asked}",
                hint=f"If that is meant, allow it on this host: RECONCILE_ALLOW={allowance}",
            )
        for name, power in refused_hooks(environment.name, environment.data, self.allowed_powers):
            raise PermissionRefused(
                f"hooks of {environment.name} ask to run on the host itself",
                hint="Name a service to run them in, or allow it on this host: "
                f"RECONCILE_ALLOW={environment.name}/{name}:{power}",
            )

    def pinned_at(self, environment: Environment, commit: str) -> dict[str, str]:
        """Service → image at an old commit; none where its file cannot be read any more."""
        path = self.path(environment.pins)
        try:
            text = self.repository.read(Revision(commit), path)
            return {pin.service: str(pin.image) for pin in self.state_files.pins(text, path)}
        except InvalidState:
            return {}

    def stacks(self, environment: Environment, deepest: int) -> Stacks:
        """What each service was pinned to and could still go back to, as so many commits tell."""
        commits = self.repository.log(self.path(environment.pins), limit=deepest)
        return standing((commit.id, self.pinned_at(environment, commit.id)) for commit in reversed(commits))

    def path(self, path: str) -> str:
        """A path of the state folder, relative to the repository."""
        return str(PurePosixPath(self.folder) / path)


def _pinned(services: Sequence[Service], pins: Sequence[Pin]) -> tuple[Service, ...]:
    """The services with their pins applied."""
    by_name = {pin.service: pin for pin in pins}
    return tuple(
        replace(service, pin=by_name[service.name], image=str(by_name[service.name].image), builds=False)
        if service.name in by_name
        else service
        for service in services
    )


def _strangers(environment: Environment, model: Model) -> list[tuple[str, str]]:
    """Services that reconcile.yaml names and that are not there: message and hint."""
    active = [service.name for service in model.services]
    checks = environment.gate.checks
    named = [(f"check {check.name!r}", name) for check in checks for name in _looked_into(check.question)]
    problems = []
    for where, name in (*named, *environment.data.named()):
        if name in model.inactive:
            message = f"{where} names service {name!r}, whose profile is not active"
            problems.append((message, "remove it there, or activate the profile"))
        elif name not in active:
            message = f"{where} names service {name!r}, which the Compose files do not have"
            problems.append((message, f"services there: {', '.join(active)}"))
    return problems


def _looked_into(question: Question) -> tuple[str, ...]:
    """The services whose containers a check is about."""
    match question:
        case Exec(service=service):
            return (service,)
        case Logs(services=services) | Memory(services=services) | Cpu(services=services):
            return services
        case _:
            return ()


def _conflicts(services: Sequence[Service]) -> list[str]:
    """What Compose accepts and the engine cannot do, found before anything is touched."""
    problems: list[str] = []
    claims: list[Callable[[Service, Service], str]] = [_same_port, _same_name]
    for index, one in enumerate(services):
        for other in services[index + 1 :]:
            problems += [message for claim in claims if (message := claim(one, other))]
    try:
        waves(services)
    except DependencyCycle as error:
        problems.append(f"services wait for each other: {' → '.join(error.args[0])}")
    return problems


def _same_port(one: Service, other: Service) -> str:
    for port in one.ports:
        if any(port.clashes(taken) for taken in other.ports):
            return f"services {one.name!r} and {other.name!r} both publish host port {port}"
    return ""


def _same_name(one: Service, other: Service) -> str:
    if one.container_name and one.container_name == other.container_name:
        return f"services {one.name!r} and {other.name!r} both have container_name {one.container_name!r}"
    return ""
