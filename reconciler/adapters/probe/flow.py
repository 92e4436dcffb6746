"""Several HTTP requests in order, which share cookies and captured values."""

from __future__ import annotations

from dataclasses import replace

from reconciler.adapters.probe.address import shown_path
from reconciler.adapters.probe.answer import JSON_BYTES, TEXT_BYTES
from reconciler.adapters.probe.captures import captured, from_body
from reconciler.adapters.probe.deadline import Deadline
from reconciler.adapters.probe.expectations import judged, understood, within
from reconciler.adapters.probe.secrets import Secrets
from reconciler.adapters.probe.session import TROUBLE, Session
from reconciler.adapters.probe.tls import Contexts
from reconciler.adapters.probe.trouble import seen_instead
from reconciler.domain.check import Flow, Request
from reconciler.domain.comparison import Seen
from reconciler.domain.gate import Evidence


def look(question: Flow, seconds: float, secrets: Secrets, contexts: Contexts) -> Seen:
    """What the flow comes to, all of it within ``seconds``; the first step that is not good ends it."""
    session = Session(Deadline.after(seconds), secrets, contexts, question.tls, question.redirects)
    seen, took, steps = Seen(Evidence.NONE, "the flow has no steps"), 0.0, len(question.requests)
    for number, request in enumerate(question.requests, 1):
        seen = _step(request, session)
        took += seen.seconds
        if seen.evidence is not Evidence.GOOD:
            at = f"step {number} of {steps}, {request.method} {shown_path(request.url)}"
            return replace(seen, detail=f"{at}: {seen.detail}", seconds=took if seen.seconds else 0.0)
    return replace(seen, detail=f"{steps} steps, the last one: {seen.detail}", seconds=took)


def _step(request: Request, session: Session) -> Seen:
    expect = request.expect
    in_body = bool(expect.json) or any(from_body(where) for _, where in request.capture)
    try:
        understood(expect)
        answer = session.ask(
            request, JSON_BYTES if in_body else TEXT_BYTES, lambda status: within(status, expect)
        )
        missing = ""
        if within(answer.status, expect):
            # Before anything is said about the answer: what is captured must not show.
            for name, where in request.capture:
                value = captured(where, answer, session.cookies)
                session.secrets.capture(name, value)
                missing = missing or ("" if value else where)
        seen = judged(answer, expect, session.secrets)
    except TROUBLE as error:
        return seen_instead(error, session.deadline, session.secrets)
    if missing and seen.evidence is Evidence.GOOD:
        return replace(seen, evidence=Evidence.BAD, detail=f"{answer.status}, but without {missing}")
    return seen
