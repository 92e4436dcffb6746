"""A step of action.yml: keep one comment with the plan on the pull request of this job.

What goes wrong here is a warning: the plan is in the job's summary as well. Nothing but Python's own modules.
https://docs.github.com/en/rest/issues/comments
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MOST_CHARACTERS = 60_000
"""GitHub refuses a comment above 65,536; the slack is for the marker and the note at the end."""
MOST_PAGES = 20
SECONDS = 20.0


def main(environ: Mapping[str, str]) -> str:
    """Write the comment; returns what to say about it.

    Raises:
        Failed: it cannot be written.
    """
    number = _pull_request(Path(environ.get("GITHUB_EVENT_PATH", "")))
    plan = Path(environ["RUNNER_TEMP"]) / "reconcile-plan.md"
    if number is None:
        return "this event is about no pull request: no comment"
    if not plan.is_file():
        return "there is no plan: no comment"
    marker = _marker(environ.get("INPUT_ENVIRONMENTS", ""))
    body = f"{marker}\n{_cut(plan.read_text('utf-8'), environ)}"
    comments = f"{environ['GITHUB_API_URL']}/repos/{environ['GITHUB_REPOSITORY']}/issues"
    token = environ.get("INPUT_TOKEN", "")
    for page in range(1, MOST_PAGES + 1):
        found = _ask("GET", f"{comments}/{number}/comments?per_page=100&page={page}", token)
        for comment in found:
            if _ours(comment, marker):
                _ask("PATCH", f"{comments}/comments/{int(comment['id'])}", token, {"body": body})
                return "the comment with the plan is updated"
        if len(found) < 100:
            break
    _ask("POST", f"{comments}/{number}/comments", token, {"body": body})
    return "the plan is a comment"


class Failed(Exception):
    """The comment cannot be written."""


def _pull_request(event: Path) -> int | None:
    try:
        number = json.loads(event.read_text("utf-8"))["pull_request"]["number"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return int(number)


def _marker(environments: str) -> str:
    """What tells this comment from others; one for each choice of environments."""
    names = sorted(n for n in re.split(r"[,\s]+", environments) if re.fullmatch(r"\w[\w.-]*", n))
    return f"<!-- reconcile plan of {' '.join(names) or 'all'} -->"


def _ours(comment: Mapping[str, Any], marker: str) -> bool:
    """Only a comment of a bot: a person might put the marker into one, and edit it after the update."""
    bot = (comment.get("user") or {}).get("type") == "Bot"
    return bot and str(comment.get("body") or "").startswith(marker)


def _cut(text: str, environ: Mapping[str, str]) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text
    kept = text[:MOST_CHARACTERS].rpartition("\n")[0]
    repository = f"{environ['GITHUB_SERVER_URL']}/{environ['GITHUB_REPOSITORY']}"
    job = f"{repository}/actions/runs/{environ['GITHUB_RUN_ID']}"
    return f"{kept}\n\nThe rest is in the summary of [the job]({job}).\n"


def _ask(method: str, url: str, token: str, content: Mapping[str, str] | None = None) -> Any:
    """One request. No redirect is followed: the token goes to one server only."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
        "User-Agent": "reconcile",
    }
    data = json.dumps(content).encode() if content is not None else None
    request = urllib.request.Request(url, data=data, headers=headers, method=method)  # noqa: S310
    try:
        with opener.open(request, timeout=SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Failed(f"{method} was answered with {error.code}") from None
    except (OSError, ValueError) as error:
        raise Failed(f"{method}: {type(error).__name__}") from None


if __name__ == "__main__":
    try:
        said = main(os.environ)
    except Failed as error:
        said = (
            f"the plan is in the summary, but no comment: {error}. It takes a token with pull-requests: write"
        )
        sys.stdout.write(f"::warning title=reconcile::{said}\n")
    else:
        sys.stdout.write(f"{said}\n")
