"""Linear: one issue for each incident, with ids of ours, so that what arrives twice is there once.

https://linear.app/developers/graphql
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from reconciler.adapters.notify.markdown import body, without_html
from reconciler.adapters.notify.outgoing import Answer, Object, Outgoing, as_json, asked_wait
from reconciler.adapters.notify.receipts import known, text, written
from reconciler.adapters.notify.wording import OPENS, headline
from reconciler.domain.channels import Linear
from reconciler.domain.events import Event, Message
from reconciler.domain.severity import Severity
from reconciler.errors import NoticeRefused, NoticeUnreachable

MOST_BYTES = 60_000
_PRIORITIES = {Severity.CRITICAL: 1, Severity.HIGH: 2, Severity.MEDIUM: 3, Severity.LOW: 4}
_LATER = ("ratelimited", "internal", "lock timeout", "network error")

_CREATE = "mutation($input: IssueCreateInput!){issueCreate(input:$input){success issue{id identifier url}}}"
_COMMENT = "mutation($input: CommentCreateInput!){commentCreate(input:$input){success comment{id}}}"
_ISSUE = "query($id: String!){issue(id:$id){id}}"
_SAID = "query($id: String!){comment(id:$id){id}}"


@dataclass(frozen=True, slots=True)
class LinearNotifier:
    """The ``Notifier`` port. ``link`` is where a run can be read, with ``{run}`` in it."""

    outgoing: Outgoing
    chosen: Linear
    key: str = field(repr=False)
    link: str = ""

    def deliver(self, event: Event, earlier: Sequence[Message], *, again: bool) -> str:
        """See ``ports.Notifier``.

        The first message of an incident opens its issue, later ones are comments on it. Ids are made from the
        incident and the event, so that Linear itself refuses a second one.
        """
        issue = text(known(earlier), "issue")
        if issue:
            self._comment(event, issue, again=again)
        elif event.kind in OPENS:
            issue = self._open(event, again=again)
        return written({"issue": issue})

    def _open(self, event: Event, *, again: bool) -> str:
        identity = _identity("issue", event.incident or event.key)
        content: Object = {
            "id": identity,
            "teamId": self.chosen.team,
            "title": headline(event, 200),
            "description": self._text(event),
            "priority": _PRIORITIES[event.severity],
            "labelIds": list(self.chosen.labels),
        }
        self._make(_CREATE, "issueCreate", content, "open an issue", _ISSUE, again=again)
        return identity

    def _comment(self, event: Event, issue: str, *, again: bool) -> None:
        content: Object = {
            "id": _identity("comment", event.key),
            "issueId": issue,
            "body": self._text(event),
        }
        self._make(_COMMENT, "commentCreate", content, "comment on an issue", _SAID, again=again)

    def _make(
        self, mutation: str, name: str, content: Object, doing: str, query: str, *, again: bool
    ) -> None:
        """Make something with an id of ours, unless it is there."""
        if again and self._there(query, content["id"]):
            return
        try:
            made = self._ask(mutation, {"input": content}, doing).get(name)
        except NoticeRefused:
            # What it says of an id that is taken is not documented; that there is one, it can be asked.
            if self._there(query, content["id"]):
                return
            raise
        if not isinstance(made, dict) or made.get("success") is not True:
            raise NoticeRefused(f"Linear did not {doing}, and gives no reason")

    def _there(self, query: str, identity: str) -> bool:
        answer = self._exchange(query, {"id": identity}, "look for what was sent")
        errors = _errors(answer)
        if errors and "not found" in _words(errors).lower():
            return False
        self._judge(answer, errors, "look for what was sent")
        return any(_data(answer).values())

    def _ask(self, query: str, variables: Object, doing: str) -> Object:
        answer = self._exchange(query, variables, doing)
        self._judge(answer, _errors(answer), doing)
        return _data(answer)

    def _exchange(self, query: str, variables: Object, doing: str) -> Answer:
        headers = (
            ("Authorization", self.key if self.key.startswith("lin_api_") else f"Bearer {self.key}"),
            ("Content-Type", "application/json"),
        )
        content = as_json({"query": query, "variables": variables})
        return self.outgoing.exchange("POST", self.chosen.url, headers, content, doing)

    def _judge(self, answer: Answer, errors: list[Object], doing: str) -> None:
        """Raise where it says no. It does so under 200, too; and under 400 that it was asked too often."""
        said = _words(errors) or (answer.text() if not answer.good else "")
        later = any(_kind(error).startswith(_LATER) for error in errors)
        if not answer.good:
            hint = "Is the key valid, and may it write?" if answer.status in (401, 403) else ""
            raise self.outgoing.error(answer, doing, said, hint=hint, later=later)
        if errors:
            words = f"Linear refuses to {doing}: {self.outgoing.hidden.words(said)}"
            if later:
                raise NoticeUnreachable(words, after_seconds=asked_wait(answer))
            raise NoticeRefused(words)
        if not _data(answer):
            raise NoticeUnreachable(f"what was asked to {doing} does not answer as Linear does")

    def _text(self, event: Event) -> str:
        return without_html(body(event, self.link, MOST_BYTES))


def _identity(what: str, key: str) -> str:
    """A UUID that is always the same for a key, in the form of version 4, which Linear asks for."""
    return str(UUID(bytes=sha256(f"reconcile {what} {key}".encode()).digest()[:16], version=4))


def _data(answer: Answer) -> Object:
    found = answer.as_object().get("data")
    return found if isinstance(found, dict) else {}


def _errors(answer: Answer) -> list[Object]:
    found = answer.as_object().get("errors")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _words(errors: list[Object]) -> str:
    """What it says of each, for programs and for people."""
    said: list[str] = []
    for error in errors:
        said += [str(error.get("message") or ""), str(_extensions(error).get("userPresentableMessage") or "")]
    return "; ".join(dict.fromkeys(filter(None, said)))


def _kind(error: Object) -> str:
    extensions = _extensions(error)
    return str(extensions.get("type") or extensions.get("code") or "").lower().replace("_", " ")


def _extensions(error: Object) -> dict[str, Any]:
    found = error.get("extensions")
    return found if isinstance(found, dict) else {}
