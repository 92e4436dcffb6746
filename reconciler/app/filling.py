"""Wait until indexes are whole: until they have their documents, and nothing more comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.app.host import Host
from reconciler.domain.search import Filling
from reconciler.errors import DataFailed, DataUnreachable
from reconciler.ports import SearchServer

LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Patience:
    """How indexes are waited for.

    Args:
        host: tells the time, and whether the run is to end.
        server: has them.
        seconds: how long it may take.
    """

    host: Host
    server: SearchServer
    seconds: float

    def wait(self, fillings: Mapping[str, Filling], since: int) -> dict[str, int]:
        """Wait until all of them are whole; returns how many documents they have.

        A server that does not answer for a while is waited for as well.

        Args:
            fillings: what is expected, by name.
            since: the newest task from before they were filled: what fails after it ends the waiting.

        Raises:
            DataFailed: a task failed, the time is up, or the run is to end; it says how far they got.
            DataUnreachable: the time is up, and the server does not answer.
            PermissionRefused.
        """
        clock = self.host.clock
        deadline = clock.monotonic() + self.seconds
        seen = dict(fillings)
        while True:
            away = self._look(seen, since)
            now = clock.monotonic()
            if away is None and all(one.whole(now) for one in seen.values()):
                return {name: one.seen.documents or 0 for name, one in seen.items()}
            if self.host.interrupted():
                raise DataFailed(f"interrupted while {_far(self._lacking(seen))}")
            if now >= deadline:
                raise away or self._late(seen)
            self.host.watching(_far(self._lacking(seen)))
            clock.wait(LOOK_SECONDS)

    def _look(self, seen: dict[str, Filling], since: int) -> DataUnreachable | None:
        """Look at all of them; returns why that cannot be done just now."""
        for name, one in seen.items():
            try:
                failed = self.server.failed_since(name, since)
                state = self.server.state(name)
            except DataUnreachable as error:
                seen.update({name: one.missed() for name, one in seen.items()})
                return error
            if failed:
                raise DataFailed(
                    f"index {name} of search server {self.server.name} cannot be filled: {failed}",
                    hint="The application sent what the server does not take, or the server lacks something.",
                )
            seen[name] = one.saw(state, self.host.clock.monotonic())
        return None

    def _lacking(self, seen: Mapping[str, Filling]) -> list[str]:
        now = self.host.clock.monotonic()
        return [f"index {name}: {one}" for name, one in seen.items() if not one.whole(now)]

    def _late(self, seen: Mapping[str, Filling]) -> DataFailed:
        return DataFailed(
            f"after {self.seconds:g} s, {_far(self._lacking(seen))}",
            hint="See the logs of what fills it. The numbers come from 'indexes' in reconcile.yaml, and "
            "from what was there before: --allow-fewer leaves that out of account.",
        )


def _far(lacking: Sequence[str]) -> str:
    return "; ".join(lacking) or "the search server was not seen to rest"
