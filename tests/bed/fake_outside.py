"""The small ports around an engine: probe, registry, lock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from reconciler.domain.check import Asked, Database, Flow, Http, Query, SearchIndex, Tcp
from reconciler.domain.comparison import Seen
from reconciler.domain.environment import Environment
from reconciler.domain.gate import Evidence
from reconciler.domain.image import ImageRef
from reconciler.errors import Locked, Refused

GOOD = Seen(Evidence.GOOD, "200 OK", 0.01, 200)
BAD = Seen(Evidence.BAD, "500 Internal Server Error", 0.01, 500)
UNREADY = Seen(Evidence.UNREADY, "connection refused")
NO_EVIDENCE = Seen(Evidence.NONE, "the host's name cannot be resolved")


@dataclass(slots=True)
class FakeProbe:
    """The `Probe` port: `answers` says what is seen, by `place` and count; good by default."""

    answers: dict[str, Callable[[int], Seen]] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)

    def ask(self, question: Asked, time_limit_seconds: float) -> Seen:
        """See `ports.Probe`."""
        at = place(question)
        self.asked[at] = self.asked.get(at, 0) + 1
        answer = self.answers.get(at)
        return answer(self.asked[at]) if answer is not None else GOOD

    def missing(self, names: Collection[str]) -> tuple[str, ...]:
        """See `ports.Probe`: `secrets` are set here."""
        return tuple(name for name in names if name not in self.secrets)


def place(question: Asked) -> str:
    """What `FakeProbe` knows a question by: the URL of its last request, or `host:port`."""
    match question:
        case Http():
            return question.request.url
        case Flow():
            return question.requests[-1].url
        case Tcp():
            return f"{question.host}:{question.port}"
        case Query() | Database() | SearchIndex():
            return question.url


@dataclass(slots=True)
class FakeRegistry:
    """The `Registry` port: `digests` maps `repository:tag` to a digest."""

    digests: dict[str, str] = field(default_factory=dict)

    def digest(self, image: ImageRef) -> str:
        """See `ports.Registry`."""
        if image.digest in self.digests.values():
            return image.digest
        name = f"{image.repository}:{image.tag or 'latest'}"
        if image.digest or name not in self.digests:
            raise Refused(f"the registry has no {image}")
        return self.digests[name]


@dataclass(slots=True)
class FakeLock:
    """The `Lock` port; `holder` is another one that has it, `held` whether we do now."""

    holder: str = ""
    held: bool = False
    taken: int = 0

    @contextmanager
    def hold(self, environment: Environment, wait_seconds: float) -> Iterator[str]:
        """See `ports.Lock`."""
        if self.holder:
            raise Locked(f"{environment.name} is held by {self.holder}")
        assert not self.held, "held twice"
        self.held, self.taken = True, self.taken + 1
        try:
            yield "this host"
        finally:
            self.held = False
