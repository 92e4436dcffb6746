"""Pull requests: one for each branch, which is updated.

https://docs.github.com/en/rest/pulls/pulls
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.adapters.notify.github.api import Api
from reconciler.errors import NoticeUnreachable
from reconciler.ports import Proposal


@dataclass(frozen=True, slots=True)
class PullRequests:
    """Those of one repository. The token takes *Pull requests: write*."""

    api: Api

    def propose(self, proposal: Proposal) -> str:
        """See ``Proposals``."""
        owner = self.api.repository.partition("/")[0]
        there = {"state": "open", "head": f"{owner}:{proposal.branch}", "base": proposal.onto}
        found = self.api.get("/pulls", "look for the pull request", **there).as_objects()
        said = {"title": proposal.title, "body": proposal.body}
        if found:
            path = f"/pulls/{int(found[0]['number'])}"
            answer = self.api.patch(path, said, "update the pull request")
        else:
            content = {**said, "head": proposal.branch, "base": proposal.onto}
            answer = self.api.post("/pulls", content, "open a pull request")
        address = answer.as_object().get("html_url")
        if not isinstance(address, str):
            raise NoticeUnreachable("GitHub took the pull request, and does not say where it is")
        return address
