"""What is meant to go wrong around the calls of a fake, and which calls there were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

Answer = TypeVar("Answer")


class Killed(BaseException):
    """The program was killed at this point; nothing of it may run on."""


@dataclass(slots=True)
class Fault:
    """`error` is raised `times` times, before the change or `after` it, where `matching` says so."""

    error: BaseException
    times: int
    after: bool
    matching: Callable[..., bool]


@dataclass(slots=True)
class Faults:
    """The calls that asked for a change, by method and readable arguments, and the faults still to come."""

    calls: list[tuple[str, ...]] = field(default_factory=list)
    waiting: dict[str, list[Fault]] = field(default_factory=dict)
    death: tuple[int, bool] | None = None
    dead: bool = False

    def around(
        self, method: str, change: Callable[[], Answer], readable: Callable[[object], str], *arguments: object
    ) -> Answer:
        """Note and make one change, with whatever is meant to go wrong before and after it."""
        self._stay_dead()
        self.calls.append((method, *(readable(argument) for argument in arguments)))
        self._die(after=False)
        self.strike(method, *arguments)
        answer = change()
        self.strike(method, *arguments, after=True)
        self._die(after=True)
        return answer

    def strike(self, method: str, *arguments: object, after: bool = False) -> None:
        """Raise the first fault that is due."""
        self._stay_dead()
        for fault in self.waiting.get(method, ()):
            if fault.times > 0 and fault.after is after and fault.matching(*arguments):
                fault.times -= 1
                raise fault.error

    def _die(self, *, after: bool) -> None:
        if self.death == (len(self.calls), after):
            self.death, self.dead = None, True
        self._stay_dead()

    def _stay_dead(self) -> None:
        """What is killed runs no `finally` either: until it is started again, it reaches nothing."""
        if self.dead:
            raise Killed
