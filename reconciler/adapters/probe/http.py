"""One HTTP request."""

from __future__ import annotations

from reconciler.adapters.probe.answer import JSON_BYTES, TEXT_BYTES
from reconciler.adapters.probe.deadline import Deadline
from reconciler.adapters.probe.expectations import judged, understood, within
from reconciler.adapters.probe.secrets import Secrets
from reconciler.adapters.probe.session import TROUBLE, Session
from reconciler.adapters.probe.tls import Contexts
from reconciler.adapters.probe.trouble import seen_instead
from reconciler.domain.check import Http
from reconciler.domain.comparison import Seen


def look(question: Http, seconds: float, secrets: Secrets, contexts: Contexts) -> Seen:
    """What one request comes to, within ``seconds``."""
    request, expect = question.request, question.request.expect
    deadline = Deadline.after(seconds)
    session = Session(deadline, secrets, contexts, question.tls, question.redirects)
    try:
        understood(expect)
        most = JSON_BYTES if expect.json else TEXT_BYTES
        answer = session.ask(request, most, lambda status: within(status, expect))
        return judged(answer, expect, secrets)
    except TROUBLE as error:
        return seen_instead(error, deadline, secrets)
