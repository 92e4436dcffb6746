"""What the use cases need from the outside, as protocols. Adapters obey them; so does the one fake.

Every method may raise the errors of ``reconciler.errors`` that its docstring names; none raises an
error of a library.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from reconciler.domain.blocking import Block, Good
from reconciler.domain.check import Asked
from reconciler.domain.comparison import Seen
from reconciler.domain.desired import Pin, Revision, Service
from reconciler.domain.environment import Environment
from reconciler.domain.image import ImageRef
from reconciler.domain.journal import Observation, Run, Story
from reconciler.domain.observed import Instance, Observed, Usage, Vitals
from reconciler.domain.report import Step
from reconciler.domain.undo import Undo
from reconciler.errors import Finding


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit that touched a pins file: the raw material of history.

    ``at`` is the committer date in UTC. ``trailers`` are the ``Key: value`` lines that end the message.
    """

    id: str
    subject: str
    author: str
    at: datetime
    trailers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """A new content for one tracked file, for ``Repository.commit``.

    ``derive`` maps the file's present text to its new text. It is called again on whatever arrived
    when somebody else pushed first, and may raise ``Stale`` when the edit no longer makes sense.
    """

    path: str
    derive: Callable[[str], str]


class Repository(Protocol):
    """The Git repository that holds the state folder. Paths are relative to its top level, with ``/``."""

    @property
    def top(self) -> Path:
        """The top-level folder of the work tree, absolute."""

    def head(self) -> Revision:
        """The commit that HEAD names.

        Raises:
            RepositoryUnreachable: no repository, bare, without commits, or not readable by us.
            Refused: a merge, rebase, cherry-pick or revert is under way.
        """

    def resolve(self, name: str) -> Revision:
        """The commit that ``name`` (a branch, a tag, an abbreviated id) stands for.

        Raises:
            Refused: nothing in the repository is called that, or it is not a name.
        """

    def read(self, revision: Revision, path: str) -> str:
        """The text of a tracked regular file at a revision; symlinks and submodules are refused.

        Of a revision that is ``dirty`` the file in the work tree is read instead.

        Raises:
            InvalidState: no such file there, not a regular file, larger than 1 MiB, or not UTF-8.
        """

    def uncommitted(self, paths: Sequence[str]) -> tuple[str, ...]:
        """The files under ``paths`` whose content differs from HEAD, untracked ones included, sorted."""

    def tracked(self, path: str) -> bool:
        """Whether ``path`` (a file or folder) holds anything that HEAD tracks."""

    def log(self, path: str, *, limit: int = 0) -> tuple[Commit, ...]:
        """The commits that changed ``path``, newest first; ``limit`` 0 means all."""

    def commit(
        self, edits: Sequence[Edit], message: str, *, push: str = "", base: str = "", author: str = ""
    ) -> Revision:
        """Write one commit on top of HEAD's branch, by plumbing, as compare-and-swap.

        The work tree and index follow where they were clean for these files. With ``push`` (a
        branch name) the commit is based on that remote branch's tip and pushed without force; when
        somebody else was faster it is derived again on what arrived, a few times, with jitter.

        Args:
            edits: what changes.
            message: the commit message, with its trailers.
            push: the remote branch to push to, or empty.
            base: a remote branch to start from where ``push`` is a new branch; empty for ``push`` itself.
            author: ``Name <address>`` of author and committer; empty for Git's own settings.

        Raises:
            Stale: the edit no longer applies, or others were faster every time.
            RepositoryUnreachable, PermissionRefused, RepositoryFailed: the push could not be done;
            nothing has changed locally.
        """

    def upstream(self) -> str:
        """The branch that HEAD's branch is pushed to, or empty where it has no remote."""

    def rehearse(self, branch: str) -> None:
        """Find out whether a push to the remote branch would be let in, as far as a dry run can tell.

        Raises:
            RepositoryUnreachable, PermissionRefused, RepositoryFailed, Refused: why it would not.
        """

    def stamp(self) -> tuple[object, ...]:
        """A cheap value (file times, no child process) that changes whenever HEAD may have moved."""


class StateFiles(Protocol):
    """The YAML of the state folder as values, with a position for every problem."""

    def settings(self, text: str, path: str) -> tuple[Environment, ...]:
        """Read ``reconcile.yaml``.

        Raises:
            InvalidSettings: with all findings.
        """

    def pins(self, text: str, path: str) -> tuple[Pin, ...]:
        """Read a pins file; the pins come in the order of the file.

        Raises:
            InvalidState: with all findings.
        """

    def unknown_services(
        self, pins: Sequence[Pin], known: Sequence[str], text: str, path: str
    ) -> tuple[Finding, ...]:
        """A finding, with its position, for each pin of a service that is not ``known``."""

    def with_pin(self, text: str, path: str, service: str, image: ImageRef) -> str:
        """The same text with one scalar changed (or one service inserted in sorted order).

        Raises:
            InvalidState: the text is not a valid pins file.
        """


@dataclass(frozen=True, slots=True)
class Model:
    """The resolved Compose model of an environment: all active services, sorted by name.

    ``inactive`` names the services of profiles that are not active.
    """

    services: tuple[Service, ...]
    compose_version: str
    inactive: tuple[str, ...] = ()


class Compose(Protocol):
    """Docker Compose: the only reader of Compose files, and the creator of containers."""

    def files(self, environment: Environment) -> tuple[Path, ...]:
        """The environment's own Compose files, absolute, without the pins file.

        Raises:
            InvalidSettings: the project directory is not there.
            InvalidState: a file is not there, or leads out of it.
        """

    def inputs(self, environment: Environment, files: Sequence[Path]) -> tuple[Path, ...]:
        """Further files that ``files`` refer to (env files, includes), as far as can be told."""

    def stamp(self, environment: Environment, files: Sequence[Path]) -> object | None:
        """A cheap value (no child process) that changes whenever the model may have changed.

        None where that cannot be told.
        """

    def resolve(self, environment: Environment, files: Sequence[Path]) -> Model:
        """Resolve ``files`` (base files first, the pins file last) into services.

        Images are those of the base files; hashes are computed with the pins.

        Raises:
            InvalidState: Compose cannot read the files.
            ComposeFailed: Compose is missing, too old, or version 1.
        """

    def hashes(
        self,
        environment: Environment,
        files: Sequence[Path],
        services: Sequence[Service],
        containers: Mapping[str, str],
        images: Mapping[str, str],
    ) -> Mapping[str, str]:
        """The hashes that Compose gives ``services`` when it creates them beside what is there.

        ``containers`` maps each joined service to the id of its container; ``images`` maps services
        to an image reference that they have instead of the model's.

        Raises:
            InvalidState, ComposeFailed.
        """

    def create(
        self,
        environment: Environment,
        files: Sequence[Path],
        scale: Mapping[str, int],
        images: Mapping[str, str] | None = None,
    ) -> None:
        """Create, without starting, the missing containers of the services in ``scale``.

        ``scale`` maps a service to how many containers it should have in all. Networks and volumes
        that are missing are created. Existing containers are not touched, and no other service is.
        ``images`` maps services to an image reference that they have instead of their pin.

        Raises:
            ComposeFailed: with what Compose said.
        """

    def create_templates(
        self,
        environment: Environment,
        files: Sequence[Path],
        scale: Mapping[str, int],
        images: Mapping[str, str] | None = None,
    ) -> None:
        """The same, for services that have containers already; the new ones are templates.

        A template (``Instance.template``) is never started: ``Engine.succeed`` makes successors from it.
        """


class Engine(Protocol):
    """One Docker Engine. Every call has a deadline of its own."""

    @property
    def name(self) -> str:
        """Where it listens, without any password: the same engine has the same name."""

    def observe(self, project: str) -> Observed:
        """All containers of a Compose project, with one list call.

        Raises:
            EngineUnreachable, PermissionRefused.
        """

    def inspect(self, container: str) -> Vitals | None:
        """One container, looked at closely; None when it is gone."""

    def image_id(self, image: ImageRef) -> str:
        """The id of the image that the host knows under this digest; empty where it knows none."""

    def digest_of(self, image_id: str, repository: str) -> str:
        """The digest under which the host got an image from ``repository``; empty where it did not."""

    def version(self) -> str:
        """The engine's version, for people.

        Raises:
            EngineUnreachable, PermissionRefused.
        """

    def missing(self, images: Sequence[ImageRef]) -> tuple[ImageRef, ...]:
        """Those of the pinned images that are not on the host under their digest."""

    def pull(self, image: ImageRef, progress: Callable[[str], None] | None = None) -> None:
        """Bring an image to the host by its digest, and check that it is the one.

        Raises:
            PullFailed, RegistryUnreachable, PermissionRefused: what is on the host was not changed.
        """

    def succeed(
        self,
        template: Instance,
        predecessor: Instance,
        name: str,
        config_hash: str,
        shares: Mapping[str, str],
    ) -> str:
        """Create a successor of ``predecessor`` from ``template``; returns its id. It is not started.

        It gets the predecessor's container number and anonymous volumes, the label ``config_hash``,
        and the network aliases that a container called its serving name would have. ``name`` is its
        name for now. ``shares`` maps container ids that the template refers to (its namespaces and
        volumes_from) to those that the successor must refer to instead.

        Raises:
            EngineFailed, EngineUnreachable.
        """

    def start(self, container: str) -> None:
        """Start, or unpause; a container that runs already is left alone.

        Raises:
            EngineFailed: with the engine's own reason.
        """

    def stop(self, container: str, grace_seconds: float) -> None:
        """Stop; one that is gone or stopped already is fine."""

    def restart_policy(self, container: str) -> str:
        """The restart policy, ``no`` or ``always`` or ``unless-stopped`` or ``on-failure:N``."""

    def set_restart_policy(self, container: str, policy: str) -> None:
        """Change the restart policy, so that the engine does not resurrect what we stop."""

    def rename(self, container: str, name: str) -> None:
        """Rename; a container that has this name already is fine."""

    def remove(self, container: str, *, fresh_volumes: bool = False) -> None:
        """Remove a stopped container; one that is gone already is fine.

        Volumes stay, except with ``fresh_volumes`` the anonymous ones that nothing else uses: only
        for containers that never ran.
        """

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Give an image (an id, or ``repository@digest``) a name, which protects it from being pruned."""

    def logs(self, container: str, lines: int, *, since: datetime | None = None) -> str:
        """The last lines that a container wrote, at most 64 KiB; empty where the engine keeps none.

        Of those written after ``since``, where it is given.
        """

    def execute(self, container: str, command: Sequence[str], time_limit_seconds: float) -> tuple[int, str]:
        """Run a command inside a running container: its exit code, and the last 4 KiB of what it wrote.

        Raises:
            EngineFailed: it could not be run, or did not end within ``time_limit_seconds``.
        """

    def usage(self, container: str) -> Usage | None:
        """What a running container uses now; None where it does not run."""

    def description(self, container: str) -> str:
        """The engine's own description of a container, as JSON; empty where it is gone.

        The values of its environment variables and labels of others are left out: they hold secrets.
        """

    def tags(self, repository: str) -> Mapping[str, str]:
        """The tags of a repository's images on the host: tag → image id."""

    def untag(self, repository: str, tag: str) -> None:
        """Take a name from an image; the image itself goes when nothing else names or uses it.

        One that is gone already is fine.
        """

    def taken_ports(self) -> Mapping[str, tuple[str, str]]:
        """Host ports of *running* containers: ``address:number/protocol`` → (container id, name)."""

    def free_bytes(self) -> int | None:
        """Room left where the engine keeps images; None where that cannot be told (a remote engine)."""


class Probe(Protocol):
    """Looks at what runs from outside, as its users do."""

    def ask(self, question: Asked, time_limit_seconds: float) -> Seen:
        """One look. Never raises for what it sees.

        What cannot be asked at all (a missing secret, a wrong URL, a name without an address) is no evidence.
        What looks as if something was still starting (nothing listens, 502, 503, 504, no answer in time) is
        unready; every other wrong answer is bad.
        """


class Registry(Protocol):
    """An image registry, asked directly."""

    def digest(self, image: ImageRef) -> str:
        """The digest that ``image``'s tag (or digest) has at the registry.

        Raises:
            Refused: the registry has no such image.
            RegistryUnreachable: down, slow, limited (429), or failing.
            PermissionRefused: 401 or 403.
        """


class Lock(Protocol):
    """At most one writer per environment."""

    def hold(self, environment: Environment, wait_seconds: float) -> AbstractContextManager[None]:
        """Hold the environment.

        Raises:
            Locked: another one holds it, and still did after ``wait_seconds``.
        """


class Journal(Protocol):
    """What a host writes down about the passes over its environments.

    Losing it costs words and a few protected images, never a service: what must survive is on the engine
    and in Git. Every method may raise ``PermissionRefused`` where it cannot be written or read.
    """

    def kept(self, environment: Environment) -> Mapping[str, str]:
        """The config hash of each service when a pass last converged; empty where nothing is known."""

    def keep(self, environment: Environment, hashes: Mapping[str, str]) -> None:
        """Remember what a converged pass left running."""

    def begin(self, environment: Environment, run: Run) -> str:
        """Open a pass; ``run.id`` is empty, and the id that it got is returned.

        Ids sort by time, and are short enough to be typed.
        """

    def step(self, environment: Environment, run: str, step: Step) -> None:
        """Write down one finished step of an open pass."""

    def finish(self, environment: Environment, story: Story) -> None:
        """Close a pass with all that is known of it; its steps replace those written one by one."""

    def runs(self, environment: Environment, *, limit: int = 0) -> tuple[Run, ...]:
        """The passes that did something, newest first; ``limit`` 0 for all."""

    def story(self, environment: Environment, run: str) -> Story | None:
        """One pass by its id, or by the beginning of it if only one begins so; None where there is none."""

    def blocks(self, environment: Environment) -> tuple[Block, ...]:
        """The pins that are blocked, newest first."""

    def block(self, environment: Environment, blocks: Sequence[Block]) -> None:
        """Block pins; a block of the same content is replaced."""

    def unblock(self, environment: Environment, services: Sequence[str], at: datetime) -> tuple[Block, ...]:
        """Lift the blocks of these services (all where empty), and return them.

        What Git's trailers say up to ``at`` about these services does not count any more either.
        """

    def unblocked(self, environment: Environment) -> Mapping[str, datetime]:
        """When services were last unblocked; the empty name stands for all of them."""

    def good(self, environment: Environment) -> tuple[Good, ...]:
        """The pins that passed their gate, newest first."""

    def note_good(self, environment: Environment, goods: Sequence[Good]) -> None:
        """Write down pins that passed; one of the same service, image and hash is moved to the front."""

    def undo(self, environment: Environment) -> Undo | None:
        """The undoing in Git that comes next: the oldest that is pending, else the one begun last."""

    def note_undo(self, environment: Environment, undo: Undo) -> None:
        """Write down how far an undoing has come, here and in the story of its run."""

    def observation(self, environment: Environment) -> Observation | None:
        """The release that is under observation, if one is."""

    def observe(self, environment: Environment, observation: Observation | None) -> None:
        """Put a release under observation, or end that."""


class Clock(Protocol):
    """Time, as an argument."""

    def now(self) -> datetime:
        """The wall clock, in UTC: for people."""

    def monotonic(self) -> float:
        """Seconds that only move forward: for decisions."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""

    def wait_for_any(self, pending: Collection[Future[Any]], seconds: float) -> None:
        """Let time pass until one of ``pending`` is done, but no more than ``seconds``."""
