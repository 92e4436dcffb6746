"""Releases as deployments: one for each release, a second one for the way back, and their states.

A state is *success* only where what was asked for runs. A release that was rolled back is a failure, for
good; the deployment of what runs instead is another one, of the commit that brought it.

https://docs.github.com/en/rest/deployments
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.adapters.notify.event_object import moves_object
from reconciler.adapters.notify.github.api import Api
from reconciler.adapters.notify.outgoing import Object
from reconciler.adapters.notify.receipts import Known, number
from reconciler.adapters.notify.wording import headline, identity, incident_of, run_link, shortened
from reconciler.domain.events import Event, Kind
from reconciler.errors import NoticeRefused

MOST_CHARACTERS = 140
_LOOKED_AT = 10  # How many earlier deployments may be asked for their state.

_STATES = {
    Kind.RELEASE_STARTED: "in_progress",
    Kind.CONVERGED: "success",
    Kind.REJECTED: "failure",
    Kind.ROLLED_BACK: "failure",
    Kind.ROLLBACK_FAILED: "failure",
    Kind.FAILED: "error",
}
_WAY_BACK = {Kind.ROLLED_BACK: "success", Kind.ROLLBACK_FAILED: "failure"}


@dataclass(frozen=True, slots=True)
class _Deployment:
    number: int
    ref: str
    task: str
    incident: str


@dataclass(frozen=True, slots=True)
class Deployments:
    """The deployments of one repository; ``link`` is where a run can be read."""

    api: Api
    link: str

    def tell(self, event: Event, found: Known, *, again: bool) -> Known:
        """Say how far a release is; returns the numbers of its deployments."""
        state = _STATES.get(event.kind)
        if state is None or not event.revision:
            return {}
        release = number(found, "deployment") or self._release(event, again=again)
        if not release:
            return {}
        self._set(release, state, event)
        told: Known = {"deployment": release}
        if event.kind is Kind.CONVERGED:
            self._retire(self._before(event, release, "success"), event)
        elif event.kind in _WAY_BACK:
            told["rollback"] = self._way_back(event, release, number(found, "rollback"))
        return told

    def look(self, event: Event) -> None:
        """Ask for the deployments, and change nothing."""
        self._list(event)

    def _release(self, event: Event, *, again: bool) -> int:
        """The deployment of a release; 0 for a failure that was none of a release."""
        fresh = event.kind is Kind.RELEASE_STARTED and not again
        if not fresh and (there := self._find(event, "deploy")):
            return there
        if event.kind is Kind.FAILED:
            return 0
        return self._create(event, "deploy", event.revision)

    def _way_back(self, event: Event, release: int, there: int) -> int:
        """The deployment of what runs again, or should; 0 where no commit is known for it."""
        before = self._before(event, release, "success", "inactive")
        there = there or self._find(event, "rollback")
        if not there:
            if before is None:
                return 0
            there = self._create(event, "rollback", before.ref)
        self._set(there, _WAY_BACK[event.kind], event)
        self._retire(before, event)
        return there

    def _retire(self, before: _Deployment | None, event: Event) -> None:
        """GitHub does that by itself, but not for production."""
        if before is not None:
            self._set(before.number, "inactive", event)

    def _before(self, event: Event, release: int, *states: str) -> _Deployment | None:
        """What ran before a release: the newest earlier one of ours in one of these states.

        One that is inactive was a success once; a release that is taken back late has retired it.
        """
        others = (
            one
            for one in self._list(event)
            if one.number != release and not (one.incident == incident_of(event) and one.task == "rollback")
        )
        for _, one in zip(range(_LOOKED_AT), others, strict=False):
            if one.number < release and self._state(one.number) in states:
                return one
        return None

    def _find(self, event: Event, task: str) -> int:
        mine = (one for one in self._list(event) if one.task == task and one.incident == incident_of(event))
        return next((one.number for one in mine), 0)

    def _list(self, event: Event) -> list[_Deployment]:
        """The last ones of ours in an environment, the newest first."""
        answer = self.api.get(
            "/deployments", "list deployments", environment=_environment(event), per_page=100
        )
        return list(_ours(answer.as_objects()))

    def _create(self, event: Event, task: str, ref: str) -> int:
        # Without a list of contexts GitHub asks that every check of the commit has passed; the gate is ours.
        content: Object = {
            "ref": ref,
            "task": task,
            "environment": _environment(event),
            "auto_merge": False,
            "required_contexts": [],
            "description": headline(event, MOST_CHARACTERS),
            "payload": {
                "reconcile": {
                    "incident": incident_of(event),
                    "run": identity(event.run),
                    "services": moves_object(event, 20),
                }
            },
        }
        answer = self.api.post("/deployments", content, "create a deployment")
        created = answer.as_object().get("id")
        if not isinstance(created, int):
            raise NoticeRefused("GitHub created no deployment, though it says so")
        return created

    def _set(self, deployment: int, state: str, event: Event) -> None:
        """Nothing where it is in that state already: it was told by an attempt that we know nothing of."""
        if self._state(deployment) == state:
            return
        content: Object = {
            "state": state,
            "description": headline(event, MOST_CHARACTERS),
            "auto_inactive": True,
        }
        if link := run_link(self.link, event):
            content["log_url"] = link
        self.api.post(f"/deployments/{deployment}/statuses", content, "set the state of a deployment")

    def _state(self, deployment: int) -> str:
        path = f"/deployments/{deployment}/statuses"
        newest = self.api.get(path, "read the state of a deployment", per_page=1).as_objects()
        return str(newest[0].get("state", "")) if newest else ""


def _ours(listed: list[Object]) -> Iterator[_Deployment]:
    for one in listed:
        payload = _payload(one.get("payload"))
        identity, ref = one.get("id"), one.get("sha") or one.get("ref")
        if isinstance(payload, Mapping) and isinstance(identity, int) and isinstance(ref, str):
            yield _Deployment(identity, ref, str(one.get("task", "")), str(payload.get("incident", "")))


def _payload(content: object) -> object:
    """What we wrote; None for deployments of others. GitHub gives it back as an object or as its text."""
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except ValueError:
            return None
    return content.get("reconcile") if isinstance(content, Mapping) else None


def _environment(event: Event) -> str:
    return shortened(event.environment, 200)
