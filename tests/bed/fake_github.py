"""The part of GitHub's REST API that channels use, as docs.github.com/en/rest has it (version 2022-11-28).

- A deployment without ``required_contexts: []`` is refused (409) while a check of the commit has not passed.
- ``auto_inactive`` touches earlier deployments of the environment only where that is not production.
- Descriptions have at most 140 characters, bodies of issues 65536, and a dispatch ten keys and 64 KB.
- A token that lacks a permission gets 403, and the header that names it; one that may not see the repository
  gets 404.
- Lists have the newest first. ``payload`` comes back as it was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.bed.providers import Asked, Said

TOKEN = "github_pat_11AAAAAAA0very0secret0token"
REPOSITORY = "kompass/deploy"
_NEEDED = {
    "deployments": "deployments=write",
    "statuses": "statuses=write",
    "issues": "issues=write",
    "dispatches": "contents=write",
    "pulls": "pull_requests=write",
}


@dataclass
class FakeGitHub:
    """One repository."""

    deployments: list[dict[str, Any]] = field(default_factory=list)
    states: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    commits: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    dispatched: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    unknown_refs: set[str] = field(default_factory=set)
    without: set[str] = field(default_factory=set)
    issues_enabled: bool = True

    def state(self, number: int) -> str:
        """What a deployment shows."""
        return str(self.states[number][-1]["state"]) if self.states.get(number) else "pending"

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return _no(401, "Bad credentials")
        if asked.headers.get("x-github-api-version") != "2022-11-28" or "user-agent" not in asked.headers:
            return _no(400, "Request forbidden by administrative rules")
        path = asked.path.removeprefix(f"/repos/{REPOSITORY}")
        if path == asked.path:
            return _no(404, "Not Found")
        if not path:
            return Said(200, {"full_name": REPOSITORY})
        what = path.split("/")[1]
        if what in self.without:
            needed = (("X-Accepted-GitHub-Permissions", _NEEDED[what]),)
            return Said(403, {"message": "Resource not accessible by personal access token"}, needed)
        handlers = {
            "deployments": self._deployments,
            "issues": self._issues,
            "statuses": self._status,
            "pulls": self._pulls,
            "dispatches": self._dispatch,
        }
        return handlers[what](asked, path) if what in handlers else _no(404, "Not Found")

    def _deployments(self, asked: Asked, path: str) -> Said:
        if path == "/deployments":
            return self._list(asked) if asked.method == "GET" else self._create(asked.json)
        found = re.fullmatch(r"/deployments/(\d+)/statuses", path)
        if found is None or int(found[1]) not in self.states:
            return _no(404, "Not Found")
        if asked.method == "GET":
            newest = self.states[int(found[1])][::-1]
            return Said(200, newest[: int(asked.query.get("per_page", 30))])
        return self._set(int(found[1]), asked.json)

    def _list(self, asked: Asked) -> Said:
        chosen = [
            one
            for one in self.deployments[::-1]
            if all(one[name] == asked.query[name] for name in ("environment", "task") if name in asked.query)
        ]
        return Said(200, chosen[: int(asked.query.get("per_page", 30))])

    def _create(self, wanted: dict[str, Any]) -> Said:
        if wanted["ref"] in self.unknown_refs:
            return _no(422, f"No ref found for: {wanted['ref']}")
        unfinished = any(
            states[-1]["state"] != "success" for states in (self.commits.get(wanted["ref"]),) if states
        )
        if unfinished and wanted.get("required_contexts") is None:
            return _no(409, "Conflict: Commit status checks failed for master.")
        made = {
            "id": 1000 + len(self.deployments),
            "sha": wanted["ref"],
            "task": wanted.get("task", "deploy"),
            "environment": wanted["environment"],
            "description": wanted["description"],
            "payload": wanted["payload"],
            "production_environment": wanted["environment"] == "production",
        }
        self.deployments.append(made)
        self.states[made["id"]] = []
        return Said(201, made)

    def _set(self, number: int, wanted: dict[str, Any]) -> Said:
        if len(wanted["description"]) > 140:
            return _invalid("DeploymentStatus", "description", "is too long (maximum is 140 characters)")
        self.states[number].append(wanted)
        mine = next(one for one in self.deployments if one["id"] == number)
        if wanted["state"] == "success" and wanted.get("auto_inactive", True):
            for other in self.deployments:
                same = other["environment"] == mine["environment"] and other["id"] != number
                if same and not other["production_environment"] and self.state(other["id"]) == "success":
                    self.states[other["id"]].append({"state": "inactive"})
        return Said(201, {"id": 1, **wanted})

    def _status(self, asked: Asked, path: str) -> Said:
        wanted = asked.json
        if len(wanted["description"]) > 140:
            return _invalid("Status", "description", "is too long (maximum is 140 characters)")
        self.commits.setdefault(path.removeprefix("/statuses/"), []).append(wanted)
        return Said(201, wanted)

    def _dispatch(self, asked: Asked, _path: str) -> Said:
        wanted = asked.json
        if len(wanted["client_payload"]) > 10 or len(wanted["event_type"]) > 100 or len(asked.body) > 65535:
            return _no(422, "Invalid request.")
        self.dispatched.append(wanted)
        return Said(204)

    def _issues(self, asked: Asked, path: str) -> Said:
        if not self.issues_enabled:
            return _no(410, "Issues has been disabled in this repository.")
        if path == "/issues":
            return self._listed(asked) if asked.method == "GET" else self._open(asked.json)
        number, _, rest = path.removeprefix("/issues/").partition("/")
        issue = next((one for one in self.issues if str(one["number"]) == number), None)
        if issue is None:
            return _no(404, "Not Found")
        if rest == "comments":
            comments = self.comments.setdefault(issue["number"], [])
            if asked.method == "POST":
                comments.append(asked.json)
                return Said(201, {"id": len(comments), **asked.json})
            return Said(200, comments)
        if asked.method == "PATCH":
            issue |= asked.json
        return Said(200, issue)

    def _listed(self, asked: Asked) -> Said:
        labels = set(filter(None, asked.query.get("labels", "").split(",")))
        state = asked.query.get("state", "open")
        found = [
            one
            for one in self.issues[::-1]
            if labels <= {label["name"] for label in one["labels"]} and state in ("all", one["state"])
        ]
        size, page = int(asked.query.get("per_page", 30)), int(asked.query.get("page", 1))
        return Said(200, found[(page - 1) * size : page * size])

    def _open(self, wanted: dict[str, Any]) -> Said:
        if len(wanted["body"]) > 65536:
            return _invalid("Issue", "body", "is too long (maximum is 65536 characters)")
        labels = [{"name": name} for name in wanted.pop("labels", [])]
        issue = {"number": 1 + len(self.issues), "state": "open", "labels": labels, **wanted}
        self.issues.append(issue)
        return Said(201, issue)

    def _pulls(self, asked: Asked, path: str) -> Said:
        """The `head` that is searched for has its owner before it; one may be open for a pair of branches."""
        if asked.method == "PATCH":
            (pull,) = [one for one in self.pulls if path == f"/pulls/{one['number']}"]
            pull |= asked.json
            return Said(200, pull)
        if asked.method == "GET":
            wanted = (asked.query["head"].partition(":")[2], asked.query["base"], asked.query["state"])
            return Said(
                200, [one for one in self.pulls if (one["head"], one["base"], one["state"]) == wanted]
            )
        there = {(one["head"], one["base"]) for one in self.pulls if one["state"] == "open"}
        if (asked.json["head"], asked.json["base"]) in there:
            return _invalid("PullRequest", "head", "already has a pull request")
        number = 1 + len(self.pulls)
        address = {"html_url": f"https://github.example/{REPOSITORY}/pull/{number}"}
        self.pulls.append({"number": number, "state": "open", **asked.json, **address})
        return Said(201, self.pulls[-1])


def _no(status: int, message: str) -> Said:
    return Said(status, {"message": message, "documentation_url": "https://docs.github.com/rest"})


def _invalid(resource: str, name: str, message: str) -> Said:
    error = {"resource": resource, "field": name, "code": "custom", "message": f"{name} {message}"}
    return Said(422, {"message": "Validation Failed", "errors": [error]})
