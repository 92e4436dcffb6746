"""Atlassian Statuspage: an incident where users notice something, and its end.

A release that was rejected and rolled back is nothing that users notice, or not for long. The page is public:
nothing that others wrote gets there, nor anything about how things are built.

https://developer.statuspage.io
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from reconciler.adapters.notify.outgoing import Answer, Object, Outgoing, as_json
from reconciler.adapters.notify.receipts import known, text, written
from reconciler.adapters.notify.wording import identity, incident_of
from reconciler.domain.channels import Statuspage
from reconciler.domain.events import Event, Kind, Message
from reconciler.domain.severity import Severity
from reconciler.errors import NoticeRefused

NAME = "Some functions may not work"
OPENED = "After a change some functions may not work as they should. We are looking into it."
BETTER = "What ran before the change runs again. We are watching it."
OVER = "Everything works again."

_SOON = frozenset({Kind.ROLLED_BACK})
_OVER = frozenset({Kind.RECOVERED, Kind.CONVERGED})
_IMPACT = {
    Severity.CRITICAL: ("critical", "major_outage"),
    Severity.HIGH: ("major", "partial_outage"),
    Severity.MEDIUM: ("minor", "degraded_performance"),
    Severity.LOW: ("minor", "degraded_performance"),
}


@dataclass(frozen=True, slots=True)
class StatuspageNotifier:
    """The ``Notifier`` port."""

    outgoing: Outgoing
    chosen: Statuspage
    key: str = field(repr=False)

    def deliver(self, event: Event, earlier: Sequence[Message], *, again: bool) -> str:
        """See ``ports.Notifier``.

        Statuspage has nothing to know a request again by. What we write carries the incident and the event,
        so that it can be looked for.
        """
        if event.kind is Kind.TEST:
            self._ask("GET", "/incidents/unresolved", None, "list incidents")
            return ""
        incident = text(known(earlier), "incident")
        if not incident and event.kind is not Kind.ROLLBACK_FAILED:
            return ""
        there = self._find(event) if again and not incident else incident
        if not there:
            return written({"incident": self._open(event)})
        self._go_on(there, event, again=again)
        return written({"incident": there})

    def _open(self, event: Event) -> str:
        impact, state = _IMPACT[event.severity]
        content: Object = {
            "name": NAME,
            "status": "investigating",
            "impact_override": impact,
            "body": OPENED,
            "deliver_notifications": False,
        }
        content |= self._components(state) | _metadata(event)
        answer = self._ask("POST", "/incidents", {"incident": content}, "open an incident")
        found = answer.as_object().get("id")
        if not isinstance(found, str) or not found:
            raise NoticeRefused("Statuspage opened no incident, though it says so")
        return found

    def _go_on(self, incident: str, event: Event, *, again: bool) -> None:
        path = f"/incidents/{quote(incident, safe='')}"
        content: Object
        if event.kind in _OVER:
            content = {"status": "resolved", "body": OVER} | self._components("operational")
        elif event.kind in _SOON:
            content = {"status": "monitoring", "body": BETTER} | self._components("operational")
        else:
            return
        if again and self._last(path) == identity(event.key):
            return
        content = {**content, "deliver_notifications": False} | _metadata(event)
        self._ask("PATCH", path, {"incident": content}, "update an incident")

    def _find(self, event: Event) -> str:
        """The incident that an attempt of ours opened; empty where there is none."""
        found = self._ask("GET", "/incidents/unresolved", None, "list incidents").as_objects()
        mine = (one for one in found if _written(one).get("incident") == incident_of(event))
        return next((str(one.get("id", "")) for one in mine), "")

    def _last(self, path: str) -> str:
        """The event that was written into an incident last."""
        found = self._ask("GET", path, None, "read an incident").as_object()
        return str(_written(found).get("event", ""))

    def _components(self, state: str) -> Object:
        if not self.chosen.components:
            return {}
        return {
            "component_ids": list(self.chosen.components),
            "components": dict.fromkeys(self.chosen.components, state),
        }

    def _ask(self, method: str, path: str, content: Object | None, doing: str) -> Answer:
        headers = (("Authorization", f"OAuth {self.key}"), ("Content-Type", "application/json"))
        url = f"{self.chosen.url.rstrip('/')}/v1/pages/{quote(self.chosen.page, safe='')}{path}"
        sent = None if content is None else as_json(content)
        answer = self.outgoing.exchange(method, url, headers, sent, doing)
        if answer.good:
            return answer
        hint = "Are the page and its key right?" if answer.status in (401, 403, 404) else ""
        raise self.outgoing.error(answer, doing, _words(answer), hint=hint)


def _metadata(event: Event) -> Object:
    return {"metadata": {"reconcile": {"incident": incident_of(event), "event": identity(event.key)}}}


def _written(incident: Object) -> Object:
    """What we wrote into an incident; empty for those of others."""
    metadata = incident.get("metadata")
    found = metadata.get("reconcile") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def _words(answer: Answer) -> str:
    """It says ``error``, in a text or a list of them."""
    said = answer.as_object().get("error")
    return "; ".join(map(str, said)) if isinstance(said, list) else str(said or answer.text())
