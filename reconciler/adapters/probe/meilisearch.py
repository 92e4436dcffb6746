"""Whether a MeiliSearch server is available, and an index is there with enough documents.

https://www.meilisearch.com/docs/reference/api/health and .../api/stats
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from reconciler.adapters.probe.answer import TEXT_BYTES, Answer
from reconciler.adapters.probe.deadline import Deadline
from reconciler.adapters.probe.secrets import Secrets
from reconciler.adapters.probe.session import TROUBLE, Session
from reconciler.adapters.probe.stranger import stranger
from reconciler.adapters.probe.tls import Contexts
from reconciler.adapters.probe.trouble import seen_instead
from reconciler.domain.check import Request, SearchIndex
from reconciler.domain.comparison import Seen
from reconciler.domain.gate import Evidence

STRANGER = "what answers is no MeiliSearch"
_REFUSED = (401, 403)


def look(question: SearchIndex, seconds: float, secrets: Secrets, contexts: Contexts) -> Seen:
    """What all questions come to, within ``seconds``."""
    deadline = Deadline.after(seconds)
    looking = _Looking(question, Session(deadline, secrets, contexts))
    try:
        return looking.health() or looking.index()
    except TROUBLE as error:
        return seen_instead(error, deadline, secrets)


@dataclass(frozen=True, slots=True)
class _Looking:
    question: SearchIndex
    session: Session

    def health(self) -> Seen | None:
        """What ``/health`` says, which wants no key; None where the server is available."""
        answer = self._ask("/health", key=False)
        if answer.status == 200 and answer.document().get("status") == "available":
            return None
        return stranger(answer, STRANGER)

    def index(self) -> Seen:
        """The index. While tasks of it wait or run, too few documents are no answer yet."""
        question = self.question
        answer = self._ask(f"/indexes/{quote(question.index, '')}/stats")
        document = answer.document()
        if answer.status in _REFUSED:
            return _seen(
                Evidence.NONE, f"the server does not let us look at the index ({answer.status})", answer
            )
        if answer.status == 404 and document.get("code") == "index_not_found":
            return self._unless_under_way(f"there is no index {question.index}", answer)
        count = document.get("numberOfDocuments")
        if answer.status != 200 or not isinstance(count, int):
            return stranger(answer, STRANGER)
        if count >= question.documents:
            return _seen(Evidence.GOOD, f"{count} documents", answer)
        words = f"{count} documents, expected at least {question.documents}"
        if document.get("isIndexing") is True:
            return _seen(Evidence.UNREADY, f"{words}, and it is indexing", answer)
        return self._unless_under_way(words, answer)

    def _unless_under_way(self, words: str, answer: Answer) -> Seen:
        """What is bad once nothing more is to come: between two tasks an index is not indexing."""
        name = quote(self.question.index, "")
        tasks = self._ask(f"/tasks?indexUids={name}&statuses=enqueued,processing&limit=1")
        total = tasks.document().get("total")
        if tasks.status in _REFUSED:
            return _seen(Evidence.NONE, f"{words}; the key may not ask whether more is to come", tasks)
        if tasks.status != 200 or not isinstance(total, int):
            return stranger(tasks, STRANGER)
        if total:
            return _seen(Evidence.UNREADY, f"{words}, and tasks of it wait", answer)
        return _seen(Evidence.BAD, words, answer)

    def _ask(self, path: str, *, key: bool = True) -> Answer:
        headers = (("Authorization", f"Bearer {self.question.key}"),) if key and self.question.key else ()
        request = Request(f"{self.question.url.rstrip('/')}{path}", headers=headers)
        return self.session.ask(request, TEXT_BYTES, lambda _status: True)


def _seen(evidence: Evidence, words: str, answer: Answer) -> Seen:
    return Seen(evidence, words, answer.seconds, answer.status)
