"""Requests to GitHub's REST API about one repository, and what its answers come to.

https://docs.github.com/en/rest
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from reconciler.adapters.notify.outgoing import Answer, Object, Outgoing, as_json, asked_wait
from reconciler.adapters.notify.wording import shortened
from reconciler.domain.foreign import foreign

VERSION = "2022-11-28"


@dataclass(frozen=True, slots=True)
class Api:
    """The repository ``owner/name`` at ``base``, as whoever the token is."""

    outgoing: Outgoing
    base: str
    repository: str
    token: str = field(repr=False)

    def get(self, path: str, doing: str, **query: str | int) -> Answer:
        """Read something."""
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path, None, doing)

    def post(self, path: str, content: Object, doing: str) -> Answer:
        """Make something."""
        return self._ask("POST", path, content, doing)

    def patch(self, path: str, content: Object, doing: str) -> Answer:
        """Change something."""
        return self._ask("PATCH", path, content, doing)

    def _ask(self, method: str, path: str, content: Object | None, doing: str) -> Answer:
        headers = [
            ("Authorization", f"Bearer {self.token}"),
            ("Accept", "application/vnd.github+json"),
            ("X-GitHub-Api-Version", VERSION),
        ]
        if content is not None:
            headers.append(("Content-Type", "application/json"))
        url = f"{self.base.rstrip('/')}/repos/{quote(self.repository)}{path}"
        sent = None if content is None else as_json(content)
        answer = self.outgoing.exchange(method, url, tuple(headers), sent, doing)
        if answer.good:
            return answer
        # Its limits answer with 403 as well, and say so only in headers, or in words.
        limited = answer.status == 403 and (asked_wait(answer) > 0 or "rate limit" in answer.text().lower())
        raise self.outgoing.error(
            answer, doing, _words(answer), hint=_hint(answer, self.repository), later=limited
        )


def _words(answer: Answer) -> str:
    """What GitHub says: its message, and what of each field."""
    found = answer.as_object()
    said = [str(found.get("message") or "" if found else answer.text())]
    errors = found.get("errors")
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, Mapping):
            said.append(
                " ".join(str(error[name]) for name in ("field", "code", "message") if error.get(name))
            )
        else:
            said.append(str(error))
    return "; ".join(part for part in said if part)


def _hint(answer: Answer, repository: str) -> str:
    """What can be done about a refusal. The header names what a fine-grained token would need."""
    needed = answer.header("x-accepted-github-permissions") or answer.header("x-accepted-oauth-scopes")
    if answer.status in (403, 404) and needed:
        return f"The token needs {shortened(needed, 200)} for {foreign(repository)}."
    match answer.status:
        case 401:
            return "The token is not valid, or has expired."
        case 404:
            return f"Is {foreign(repository)} the right name, and may the token see it?"
        case 410:
            return "Issues are disabled in this repository: enable them, or set issues: false."
        case _:
            return ""
