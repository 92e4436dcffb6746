"""The small ports around an engine: probe, registry, memory, lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from reconciler.domain.environment import Environment, HttpCheck
from reconciler.domain.gate import Evidence
from reconciler.domain.image import ImageRef
from reconciler.errors import Locked, Refused

GOOD = (Evidence.GOOD, "200")
BAD = (Evidence.BAD, "500")
NO_EVIDENCE = (Evidence.NONE, "the probe's own name lookup failed")

Answer = tuple[Evidence, str]


@dataclass(slots=True)
class FakeProbe:
    """The `Probe` port: `answers` says what each check sees, by its name and how often it was asked."""

    answers: dict[str, Callable[[int], Answer]] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)

    def http(self, check: HttpCheck) -> Answer:
        """See `ports.Probe`."""
        self.asked[check.name] = self.asked.get(check.name, 0) + 1
        answer = self.answers.get(check.name)
        return answer(self.asked[check.name]) if answer is not None else GOOD


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
class FakeMemory:
    """The `Memory` port; `kept_times` counts how often something was remembered."""

    hashes: Mapping[str, str] = field(default_factory=dict)
    kept_times: int = 0

    def kept(self, environment: Environment) -> Mapping[str, str]:
        """See `ports.Memory`."""
        return self.hashes

    def keep(self, environment: Environment, hashes: Mapping[str, str]) -> None:
        """See `ports.Memory`."""
        self.hashes = dict(hashes)
        self.kept_times += 1


@dataclass(slots=True)
class FakeLock:
    """The `Lock` port; `holder` is another one that has it, `held` whether we do now."""

    holder: str = ""
    held: bool = False
    taken: int = 0

    @contextmanager
    def hold(self, environment: Environment, wait_seconds: float) -> Iterator[None]:
        """See `ports.Lock`."""
        if self.holder:
            raise Locked(f"{environment.name} is held by {self.holder}")
        assert not self.held, "held twice"
        self.held, self.taken = True, self.taken + 1
        try:
            yield
        finally:
            self.held = False
