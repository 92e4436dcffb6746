"""The part of Linear's GraphQL API that channels use (linear.app/developers, and its published schema).

- A personal key stands in ``Authorization`` alone, anything else behind ``Bearer``.
- Errors come with status 200 or 400, in ``errors`` with ``extensions``.
- An id that is taken is refused; which words that has is not documented, and nothing here relies on them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.bed.providers import Asked, Said

KEY = "lin_api_very0secret0key0000000000000000"
TEAM = "9cfb482a-81e3-4154-b5b9-2c805e70a02d"
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@dataclass
class FakeLinear:
    """One workspace with one team."""

    issues: dict[str, dict[str, Any]] = field(default_factory=dict)
    comments: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != KEY:
            return Said(401, failed("Authentication required, not authenticated", "authentication error"))
        query, variables = asked.json["query"], asked.json["variables"]
        if "issueCreate" in query:
            return self._issue(variables["input"])
        if "commentCreate" in query:
            return self._comment(variables["input"])
        name, found = ("issue", self.issues) if "issue(id" in query else ("comment", self.comments)
        if variables["id"] not in found:
            return Said(200, failed(f"Entity not found: {name.title()}", "invalid input"))
        return Said(200, {"data": {name: {"id": variables["id"]}}})

    def _issue(self, wanted: dict[str, Any]) -> Said:
        if wanted["teamId"] != TEAM:
            return Said(200, failed("Entity not found in validateAccess: teamId", "invalid input"))
        if not _UUID4.fullmatch(wanted["id"]) or wanted["id"] in self.issues:
            return Said(200, failed("Argument Validation Error", "invalid input"))
        self.issues[wanted["id"]] = wanted
        issue = {"id": wanted["id"], "identifier": "OPS-1", "url": "https://linear.app/kompass/issue/OPS-1"}
        return Said(200, {"data": {"issueCreate": {"success": True, "issue": issue}}})

    def _comment(self, wanted: dict[str, Any]) -> Said:
        if wanted["issueId"] not in self.issues or wanted["id"] in self.comments:
            return Said(200, failed("Argument Validation Error", "invalid input"))
        self.comments[wanted["id"]] = wanted
        return Said(200, {"data": {"commentCreate": {"success": True, "comment": {"id": wanted["id"]}}}})


def failed(message: str, kind: str, presentable: str = "") -> dict[str, Any]:
    """An answer with an error, as GraphQL has them."""
    extensions = {"type": kind, "userError": True, "userPresentableMessage": presentable or message}
    return {"data": None, "errors": [{"message": message, "extensions": extensions}]}
