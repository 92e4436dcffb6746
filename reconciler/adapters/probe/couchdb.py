"""Whether a CouchDB server is up, and a database is there with enough documents.

https://docs.couchdb.org/en/stable/api/server/common.html#up and .../api/database/common.html#get--db
"""

from __future__ import annotations

from urllib.parse import quote

from reconciler.adapters.probe.address import located
from reconciler.adapters.probe.answer import TEXT_BYTES, Answer
from reconciler.adapters.probe.deadline import Deadline
from reconciler.adapters.probe.refusals import Refusals
from reconciler.adapters.probe.secrets import Secrets
from reconciler.adapters.probe.session import TROUBLE, Session
from reconciler.adapters.probe.stranger import stranger
from reconciler.adapters.probe.tls import Contexts
from reconciler.adapters.probe.trouble import seen_instead
from reconciler.domain.check import Database, Request
from reconciler.domain.comparison import Seen
from reconciler.domain.gate import Evidence

STRANGER = "what answers is no CouchDB"
REFUSED = "the server does not let us look at the database"


def look(
    question: Database, seconds: float, secrets: Secrets, contexts: Contexts, refusals: Refusals
) -> Seen:
    """What both questions come to, within ``seconds``."""
    deadline = Deadline.after(seconds)
    session = Session(deadline, secrets, contexts)
    url = question.url.rstrip("/")
    try:
        up = _not_up(session.ask(Request(f"{url}/_up"), TEXT_BYTES, lambda _status: True))
        return up or _counted(
            session, question, f"{_signed_in(url, question)}/{quote(question.database, '')}", refusals
        )
    except TROUBLE as error:
        return seen_instead(error, deadline, secrets)


def _not_up(answer: Answer) -> Seen | None:
    """What ``_up`` says, unless the server is up.

    It is asked without credentials: with wrong ones it says 401 of a server that is up, and so it does
    where everybody has to sign in for everything.
    """
    if answer.status in (200, 401):
        return None
    if answer.status == 404 and answer.document().get("status") in ("maintenance_mode", "nolb"):
        return Seen(Evidence.UNREADY, "it is in maintenance mode", answer.seconds, answer.status)
    return stranger(answer, STRANGER)


def _counted(session: Session, question: Database, url: str, refusals: Refusals) -> Seen:
    login = located(url, session.secrets).authorization
    if login and refusals.knows(f"{question.url} {login}"):
        return Seen(Evidence.NONE, f"{REFUSED}, and is not asked again")
    answer = session.ask(Request(url), TEXT_BYTES, lambda _status: True)
    count = answer.document().get("doc_count")
    if answer.status in (401, 403):
        if login:
            refusals.add(f"{question.url} {login}")
        return Seen(Evidence.NONE, f"{REFUSED} ({answer.status})", answer.seconds, answer.status)
    if answer.status == 404:
        return Seen(Evidence.BAD, f"there is no database {question.database}", answer.seconds, answer.status)
    if answer.status != 200 or not isinstance(count, int):
        return stranger(answer, STRANGER)
    enough = count >= question.documents
    words = f"{count} documents" + ("" if enough else f", expected at least {question.documents}")
    return Seen(Evidence.GOOD if enough else Evidence.BAD, words, answer.seconds, answer.status)


def _signed_in(url: str, question: Database) -> str:
    """The URL with the login in it, quoted: what ``${NAME}`` stands for is filled in behind that."""
    if not question.username:
        return url
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{quote(question.username, '')}:{quote(question.password, '')}@{rest}"
