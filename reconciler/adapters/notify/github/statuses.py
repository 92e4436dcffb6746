"""The status of a commit, which pull requests and lists of commits show.

https://docs.github.com/en/rest/commits/statuses
"""

from __future__ import annotations

from urllib.parse import quote

from reconciler.adapters.notify.github.api import Api
from reconciler.adapters.notify.outgoing import Object
from reconciler.adapters.notify.wording import headline, run_link, shortened
from reconciler.domain.events import Event, Kind

_STATES = {
    Kind.RELEASE_STARTED: "pending",
    Kind.CONVERGED: "success",
    Kind.REJECTED: "failure",
    Kind.ROLLED_BACK: "failure",
    Kind.ROLLBACK_FAILED: "failure",
    Kind.FAILED: "error",
}


def set_status(api: Api, link: str, event: Event) -> None:
    """Say of a commit how its release is. The newest counts, so that twice is as good as once."""
    state = _STATES.get(event.kind)
    if state is None or not event.revision:
        return
    content: Object = {
        "state": state,
        "context": f"reconcile/{shortened(event.environment, 100)}",
        "description": headline(event, 140),
    }
    if target := run_link(link, event):
        content["target_url"] = target
    api.post(f"/statuses/{quote(event.revision, safe='')}", content, "set the status of a commit")
