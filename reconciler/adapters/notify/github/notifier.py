"""What is told to GitHub of one event: as much of it as the channel has switched on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.adapters.notify.github.api import Api
from reconciler.adapters.notify.github.deployments import Deployments
from reconciler.adapters.notify.github.dispatch import dispatch
from reconciler.adapters.notify.github.issues import Issues
from reconciler.adapters.notify.github.statuses import set_status
from reconciler.adapters.notify.receipts import Known, known, number, written
from reconciler.domain.channels import GitHub
from reconciler.domain.events import Event, Kind, Message
from reconciler.errors import NoticeRefused


@dataclass(frozen=True, slots=True)
class GitHubNotifier:
    """The ``Notifier`` port.

    Args:
        api: of the repository.
        chosen: what is done there.
        link: where a run can be read, with ``{run}`` in it.
    """

    api: Api
    chosen: GitHub
    link: str

    def deliver(self, event: Event, earlier: Sequence[Message], *, again: bool) -> str:
        """See ``ports.Notifier``.

        Each thing is looked for before it is done another time. What GitHub cannot be asked for, the event
        that starts workflows, comes last: it is only repeated where its own answer got lost. One refusal does
        not keep the rest from being told.
        """
        found = known(earlier)
        refused: list[NoticeRefused] = []
        for tell in self._parts(event, found, again=again):
            try:
                found |= tell()
            except NoticeRefused as error:
                refused.append(error)
        if refused:
            raise refused[0]
        return written(found)

    def _parts(self, event: Event, found: Known, *, again: bool) -> list[Callable[[], Known]]:
        parts: list[Callable[[], Known]] = []
        if self.chosen.deployments:
            parts.append(lambda: self._deployment(event, found, again=again))
        if self.chosen.statuses:
            parts.append(lambda: self._status(event))
        if self.chosen.issues:
            parts.append(lambda: self._issue(event, found, again=again))
        if self.chosen.dispatch:
            parts.append(lambda: self._dispatch(event))
        return parts

    def _deployment(self, event: Event, found: Known, *, again: bool) -> Known:
        deployments = Deployments(self.api, self.link)
        if event.kind is Kind.TEST:
            deployments.look(event)
            return {}
        return deployments.tell(event, found, again=again)

    def _status(self, event: Event) -> Known:
        if event.kind is Kind.TEST:
            self.api.get("", "show the repository")
        set_status(self.api, self.link, event)
        return {}

    def _issue(self, event: Event, found: Known, *, again: bool) -> Known:
        return {"issue": Issues(self.api, self.link).tell(event, number(found, "issue"), again=again)}

    def _dispatch(self, event: Event) -> Known:
        dispatch(self.api, event)
        return {}
