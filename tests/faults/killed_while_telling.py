"""A process that delivers what waits in an outbox and, once, kills itself. Run by `test_notices`.

Arguments: the state directory, the file that stands for the channel, how many seconds have passed, and the
moment of its death: `connect`, `send`, `sent`, `recorded`, or `never`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.adapters.host_state import Place, SqliteOutbox
from reconciler.app.relay import Relay
from reconciler.domain.channels import Channel
from reconciler.domain.events import Event, Message
from tests.bed.fake_clock import FakeClock
from tests.bed.journal_values import ENV
from tests.bed.recorder import notify


@dataclass
class Killed:
    """A channel that is a file, and dies when it is asked to."""

    file: Path
    moment: str
    told: int = 0

    def reached(self, moment: str) -> None:
        if moment == self.moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def connect(self, _channel: Channel) -> Killed:
        self.reached("connect")
        return self

    def deliver(self, event: Event, earlier: Sequence[Message], *, again: bool) -> str:
        """See `ports.Notifier`."""
        if self.told:
            self.reached("recorded")
        self.reached("send")
        with self.file.open("a") as file:
            file.write(f"{event.key} {len(earlier)} {'again' if again else 'first'}\n")
        self.reached("sent")
        self.told += 1
        return ""


def main() -> None:
    """Deliver until nothing is due."""
    folder, file, passed, moment = sys.argv[1:]
    channel = Killed(Path(file), moment)
    outbox = SqliteOutbox(Place(Path(folder), "unix:///engine.sock"))
    environment = replace(ENV, notify=notify())
    Relay(environment, outbox, FakeClock(float(passed)), channel.connect).deliver()


if __name__ == "__main__":
    main()
