"""The only place that starts git: argument lists, a deadline, a limit on output, no child left behind."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from reconciler.adapters.git.complaints import clean, failure
from reconciler.adapters.git.environment import SETTINGS, identity, scrubbed
from reconciler.errors import RepositoryFailed, RepositoryUnreachable

OUTPUT_LIMIT = 64 * 1024 * 1024


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Answer:
    """What one git said; ``err`` is free of credentials and control characters."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """The output as text."""
        return self.out.decode("utf-8", "replace")

    @property
    def complaint(self) -> str:
        """The first few lines of what went wrong, without git's own hints and prefixes, on one line."""
        lines = (line.strip() for line in self.err.splitlines() if not line.startswith("hint:"))
        # Of a signing program that says nothing, git says "error:" and nothing either.
        told = [words for line in lines if (words := re.sub(r"^(?:fatal|error): ?", "", line))]
        return "; ".join(told[:6])[:600] or f"exit code {self.code}"


@dataclass(frozen=True, slots=True)
class Git:
    """Git in one folder.

    ``environment`` is scrubbed already; ``identity`` is the author and committer that the caller's
    environment names, for the one command that writes a commit. Once ``stopped`` says so, no git is waited
    for any more.
    """

    folder: Path
    deadline_seconds: float
    environment: Mapping[str, str]
    identity: Mapping[str, str] = field(default_factory=dict)
    stopped: Callable[[], bool] = _never

    @classmethod
    def at(cls, folder: Path, deadline_seconds: float, environ: Mapping[str, str]) -> Git:
        """Git in ``folder``, for a caller with the environment ``environ``."""
        return cls(folder, deadline_seconds, scrubbed(environ), identity(environ))

    def within(self, folder: Path) -> Git:
        """The same, in another folder."""
        return replace(self, folder=folder)

    def run(self, *arguments: str, feed: bytes = b"", variables: Mapping[str, str] | None = None) -> Answer:
        """Run git to its end, whatever its exit code.

        Args:
            arguments: the command and its arguments; what came from outside is validated by ``names``.
            feed: its standard input.
            variables: environment variables for this call.

        Raises:
            RepositoryUnreachable: git is not installed, or was not done at the deadline; it and everything
                that it started in its process group is gone then.
            RepositoryFailed: it said more than ``OUTPUT_LIMIT``.
        """
        # A file, not a pipe: writing to a git that does not read could not be given a deadline.
        with _scratch() as source:
            source.write(feed)
            source.seek(0)
            with self._start(arguments, source, subprocess.PIPE, variables or {}) as child:
                try:
                    out, err = _listen(child, self._deadline(arguments[0]))
                finally:
                    _end(child)
        return Answer(child.returncode, out, clean(err))

    def ask(self, *arguments: str, feed: bytes = b"", variables: Mapping[str, str] | None = None) -> bytes:
        """The output of a git that has to succeed.

        Raises:
            RepositoryUnreachable: as ``run`` does.
            RepositoryFailed: it did not succeed.
        """
        answer = self.run(*arguments, feed=feed, variables=variables)
        if answer.code != 0:
            raise failure(arguments[0], answer.complaint)
        return answer.out

    @contextmanager
    def talk(self, *arguments: str) -> Iterator[Talk]:
        """A git that answers request by request, ended with the block.

        Raises:
            RepositoryUnreachable: as ``run`` does, for the whole talk.
        """
        with (
            _scratch() as errors,
            self._start(arguments, subprocess.PIPE, errors, {}) as child,
        ):
            try:
                yield Talk(child, errors, self._deadline(arguments[0]))
            finally:
                _end(child)

    def _deadline(self, command: str) -> Deadline:
        ends = time.monotonic() + self.deadline_seconds
        return Deadline(command, self.deadline_seconds, ends, self.stopped)

    def _start(
        self,
        arguments: tuple[str, ...],
        stdin: int | IO[bytes],
        stderr: int | IO[bytes],
        variables: Mapping[str, str],
    ) -> subprocess.Popen[bytes]:
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        try:
            return subprocess.Popen(
                ["git", *settings, "-C", str(self.folder), *arguments],
                cwd="/",  # a relative entry of PATH must not find a `git` in the repository
                env={**self.environment, **variables},
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                bufsize=0,
                start_new_session=True,  # a group to kill, and no terminal that ssh could prompt on
            )
        except (FileNotFoundError, PermissionError) as error:
            hint = "Install git 2.30 or newer, and see that it is on PATH"
            raise RepositoryUnreachable("git cannot be started", hint=hint) from error


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment at which ``command`` has had enough time, or at which nobody waits for it any more."""

    command: str
    seconds: float
    ends: float
    stopped: Callable[[], bool] = _never

    def remaining(self) -> float:
        """The seconds left.

        Raises:
            RepositoryUnreachable: none is.
        """
        if self.stopped():
            raise RepositoryUnreachable(f"git {self.command} was not done: we are stopping")
        left = self.ends - time.monotonic()
        if left <= 0:
            raise RepositoryUnreachable(f"git {self.command} was not done after {self.seconds:g} seconds")
        return left


@dataclass(frozen=True, slots=True)
class Talk:
    """A running git, request by request; requests are short, so that writing one never blocks."""

    child: subprocess.Popen[bytes]
    errors: IO[bytes]
    deadline: Deadline
    heard: bytearray = field(default_factory=bytearray)

    def say(self, line: str) -> None:
        """Send one line."""
        assert self.child.stdin is not None
        with suppress(BrokenPipeError):  # the reading that follows tells why
            self.child.stdin.write(line.encode() + b"\n")

    def line(self) -> str:
        """The next line, without its end."""
        while b"\n" not in self.heard:
            self._hear()
        end = self.heard.index(b"\n")
        return self._take(end + 1)[:-1].decode("utf-8", "replace")

    def exactly(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        while len(self.heard) < size:
            self._hear()
        return self._take(size)

    def _take(self, size: int) -> bytes:
        taken = bytes(self.heard[:size])
        del self.heard[:size]
        return taken

    def _hear(self) -> None:
        assert self.child.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.child.stdout, selectors.EVENT_READ)
            selector.select(self.deadline.remaining())
        self.deadline.remaining()
        chunk = os.read(self.child.stdout.fileno(), 65536)
        if not chunk:
            self.errors.seek(0)
            said = Answer(self.child.wait(), b"", clean(self.errors.read(65536)))
            raise failure(self.deadline.command, said.complaint)
        self.heard.extend(chunk)


def _scratch() -> IO[bytes]:
    """An empty file that nobody else sees, in memory."""
    return open(os.memfd_create("reconcile-git"), "w+b")  # noqa: PTH123  # a descriptor, not a path


def _listen(child: subprocess.Popen[bytes], deadline: Deadline) -> tuple[bytes, bytes]:
    out, err = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, heard in ((child.stdout, out), (child.stderr, err)):
            assert pipe is not None
            selector.register(pipe, selectors.EVENT_READ, heard)
        while selector.get_map():
            ready = selector.select(min(deadline.remaining(), 0.1))
            # A credential cache or a shared ssh connection outlives git and keeps its end of the pipe.
            if not ready and child.poll() is not None:
                break
            for key, _ in ready:
                chunk = os.read(key.fd, 65536)
                key.data.extend(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
                if len(key.data) > OUTPUT_LIMIT:
                    raise RepositoryFailed(f"git {deadline.command} said more than {OUTPUT_LIMIT >> 20} MiB")
    _wait(child, deadline)
    return bytes(out), bytes(err)


def _wait(child: subprocess.Popen[bytes], deadline: Deadline) -> None:
    with suppress(subprocess.TimeoutExpired):
        child.wait(deadline.remaining())
        return
    deadline.remaining()


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
