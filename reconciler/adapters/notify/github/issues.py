"""One issue for each incident: found by a marker, commented, and closed when it is over.

https://docs.github.com/en/rest/issues
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.adapters.notify.github.api import Api
from reconciler.adapters.notify.markdown import body
from reconciler.adapters.notify.outgoing import Object
from reconciler.adapters.notify.wording import OPENS, headline, identity, incident_of
from reconciler.domain.events import Event, Kind
from reconciler.errors import NoticeRefused

MOST_BYTES = 65536
LABEL = "reconcile"
_PAGES = 3
_CLOSES = frozenset({Kind.RECOVERED, Kind.TEST})


@dataclass(frozen=True, slots=True)
class _Issue:
    number: int
    body: str


@dataclass(frozen=True, slots=True)
class Issues:
    """The issues of one repository; ``link`` is where a run can be read."""

    api: Api
    link: str

    def tell(self, event: Event, number: int, *, again: bool) -> int:
        """Say it in the issue of its incident; returns its number, 0 where there is none.

        Args:
            event: what happened.
            number: of the issue, where an earlier message opened it.
            again: whether an earlier attempt may have arrived.
        """
        issue = self._read(number) if number else self._find(event)
        if issue is None:
            if event.kind not in OPENS:
                return 0
            issue = self._open(event)
        elif not self._told(issue, event, again=again):
            self._comment(issue, event)
        if event.kind in _CLOSES:
            content = {"state": "closed", "state_reason": "completed"}
            self.api.patch(f"/issues/{issue.number}", content, "close an issue")
        return issue.number

    def _find(self, event: Event) -> _Issue | None:
        """By its marker among those with our label: others cannot set labels, so that the marker is ours."""
        marker = _marker("incident", incident_of(event))
        for page in range(1, _PAGES + 1):
            found = self.api.get(
                "/issues", "look for an issue", labels=LABEL, state="all", per_page=100, page=page
            ).as_objects()
            for one in found:
                issue = _issue(one)
                if issue is not None and marker in issue.body:
                    return issue
            if len(found) < 100:
                break
        return None

    def _read(self, number: int) -> _Issue:
        found = _issue(self.api.get(f"/issues/{number}", "read an issue").as_object())
        return found or _Issue(number, "")

    def _told(self, issue: _Issue, event: Event, *, again: bool) -> bool:
        """Whether the event is in the issue already."""
        marker = _marker("event", identity(event.key))
        if marker in issue.body:
            return True
        if not again:
            return False
        path = f"/issues/{issue.number}/comments"
        since = f"{event.at:%Y-%m-%dT%H:%M:%SZ}"
        comments = self.api.get(path, "read comments", per_page=100, since=since).as_objects()
        return any(marker in str(comment.get("body", "")) for comment in comments)

    def _open(self, event: Event) -> _Issue:
        content: Object = {
            "title": headline(event, 200),
            "body": self._text(event, _marker("incident", incident_of(event))),
            "labels": [LABEL, "incident"],
        }
        found = _issue(self.api.post("/issues", content, "open an issue").as_object())
        if found is None:
            raise NoticeRefused("GitHub opened no issue, though it says so")
        return found

    def _comment(self, issue: _Issue, event: Event) -> None:
        content: Object = {"body": self._text(event, "")}
        self.api.post(f"/issues/{issue.number}/comments", content, "comment on an issue")

    def _text(self, event: Event, first: str) -> str:
        markers = "\n".join(marker for marker in (first, _marker("event", identity(event.key))) if marker)
        return f"{markers}\n\n{body(event, self.link, MOST_BYTES - len(markers) - 2)}"


def _marker(what: str, known_by: str) -> str:
    """A comment that nobody sees."""
    return f"<!-- reconcile {what} {known_by} -->"


def _issue(found: Object) -> _Issue | None:
    number = found.get("number")
    if not isinstance(number, int) or "pull_request" in found:
        return None
    return _Issue(number, str(found.get("body") or ""))
