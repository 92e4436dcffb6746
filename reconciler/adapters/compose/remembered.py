"""What Compose made of its files last time, for as long as everything that this depends on is the same.

Resolving a model is a pure function, and its children take most of a pass that has nothing to do. So the
result is kept in the state directory, under a digest of all that goes in: the content of every file, the
variables that these mention, the executable, this program. Where links lead on the host is asked anew each
time, because powers depend on it. What cannot be told with certainty is not kept, and neither is the
environment of any service.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from reconciler import __version__
from reconciler.adapters.compose.inputs import Inputs, signature
from reconciler.domain.desired import Condition, Dependency, Join, Order, Port, Service
from reconciler.ports import Model

_OWN_VARIABLES = ("HOME", "PWD")
"""Variables that matter to Compose although no file mentions them; so do all that start with DOCKER_."""


@dataclass(frozen=True, slots=True)
class Question:
    """All that an answer depends on, but for the inputs, which are part of the answer.

    Args:
        flags: Compose's arguments that choose project, directory and files.
        files: these files.
        directory: the project directory.
        environ: the variables of Compose's children.
        executable: Compose itself.
    """

    flags: Sequence[str]
    files: Sequence[Path]
    directory: Path
    environ: Mapping[str, str]
    executable: Path

    def digest(self, inputs: Iterable[Path]) -> str:
        """The same as long as Compose must give the same answer."""
        contents = [_content(file) for file in (*self.files, *inputs, self.directory / ".env")]
        told = (__version__, _program(), str(self.executable), signature(self.executable), *self.flags)
        everything = (told, [sha256(content).hexdigest() for content in contents], self._variables(contents))
        return sha256(repr(everything).encode()).hexdigest()

    def _variables(self, contents: Sequence[bytes]) -> list[tuple[str, str]]:
        """Those that can matter: a file mentions them, unless escapes could hide what it mentions."""
        text = b"\n".join(contents)
        return sorted(
            (name, value)
            for name, value in self.environ.items()
            if name in _OWN_VARIABLES or name.startswith("DOCKER_") or b"\\" in text or name.encode() in text
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """A model, the files that it was made from, and where paths of the host led then."""

    model: Model
    inputs: Inputs
    links: Mapping[str, str]


def read(file: Path, question: Question) -> Answer | None:
    """The answer kept in ``file``, if it answers ``question``; one that others can write is not believed."""
    try:
        document = json.loads(_own(file))
        inputs = Inputs(tuple(map(Path, document["inputs"])), certain=True, env_files=document["env_files"])
        if document["question"] != question.digest(inputs.files):
            return None
        links: dict[str, str] = document["links"]
        if any(os.path.realpath(path) != led for path, led in links.items()):
            return None
        services = tuple(map(_service, document["services"]))
        return Answer(
            Model(services, document["compose_version"], tuple(document["inactive"])), inputs, links
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(file: Path, digest: str, answer: Answer) -> None:
    """Keep an answer, where that is possible; ``digest`` is its question's, before and after it was asked."""
    services = [asdict(service) for service in answer.model.services]
    document = {
        "question": digest,
        "inputs": [str(path) for path in answer.inputs.files],
        "env_files": answer.inputs.env_files,
        "links": answer.links,
        "compose_version": answer.model.compose_version,
        "inactive": answer.model.inactive,
        "services": services,
    }
    if tuple(map(_service, json.loads(json.dumps(services)))) != answer.model.services:
        return  # a field that this module does not know how to read back
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:  # noqa: PTH123
            json.dump(document, opened)
        fresh.replace(file)
    except OSError:
        return  # it costs time, nothing else


def is_binary(executable: Path) -> bool:
    """Whether its signature tells all about it, as that of a script does not."""
    try:
        with executable.open("rb") as opened:
            return opened.read(4) == b"\x7fELF"
    except OSError:
        return False


def _own(file: Path) -> bytes:
    """The content of a file that belongs to us alone.

    Raises:
        OSError: it is not there, or others can write it.
    """
    with open(os.open(file, os.O_RDONLY | os.O_NOFOLLOW), "rb") as opened:  # noqa: PTH123
        status = os.fstat(opened.fileno())
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o022:
            raise PermissionError(file)
        return opened.read()


def _content(file: Path) -> bytes:
    try:
        return b"+" + file.read_bytes()
    except OSError:
        return b"-"


def _program() -> tuple[tuple[int, int, int], ...]:
    """The modules that make services of what Compose prints."""
    return tuple(signature(file) for file in sorted(Path(__file__).parent.glob("*.py")))


def _service(written: Mapping[str, Any]) -> Service:
    made: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in written.items()}
    made["order"] = Order(written["order"])
    made["depends_on"] = tuple(
        Dependency(**{**one, "condition": Condition(one["condition"])}) for one in written["depends_on"]
    )
    made["joins"] = tuple(Join(**one) for one in written["joins"])
    made["ports"] = tuple(Port(**one) for one in written["ports"])
    return Service(**made)
