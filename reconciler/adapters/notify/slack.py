"""Slack's incoming webhooks: one message for each event.

They give nothing back by which a message could be updated, or known again.
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from reconciler.adapters.notify.look_alikes import looking_alike
from reconciler.adapters.notify.outgoing import Object, Outgoing, as_json
from reconciler.adapters.notify.wording import (
    headline,
    left_out,
    moved,
    run_link,
    shortened,
    when,
    whom_to_call,
)
from reconciler.domain.channels import Contact
from reconciler.domain.events import Event, Message
from reconciler.errors import NoticeUnreachable

MOST_CHARACTERS = 3000  # of one block's text


@dataclass(frozen=True, slots=True)
class SlackNotifier:
    """The ``Notifier`` port.

    Args:
        outgoing: the way there.
        url: of the webhook; it is a secret.
        link: where a run can be read, with ``{run}`` in it.
        contacts: who is called when it matters.
    """

    outgoing: Outgoing
    url: str = field(repr=False)
    link: str = ""
    contacts: tuple[Contact, ...] = ()

    def deliver(self, event: Event, earlier: Sequence[Message], *, again: bool) -> str:  # noqa: ARG002
        """See ``ports.Notifier``."""
        headers = (("Content-Type", "application/json"),)
        doing, content = "take a message", as_json(message(event, self.link, self.contacts))
        answer = self.outgoing.exchange("POST", self.url, headers, content, doing)
        if not answer.good:
            raise self.outgoing.error(answer, doing, answer.text(), hint=_HINTS.get(answer.status, ""))
        if answer.text().strip() != "ok":
            raise NoticeUnreachable("what was sent a message does not answer as Slack does")
        return ""


_HINTS = {
    403: "Is the app still allowed to post there?",
    404: "The webhook is gone: make a new one.",
    410: "The Slack channel is archived.",
}


def message(event: Event, link: str, contacts: Sequence[Contact] = ()) -> Object:
    """The message. ``text`` is what notifications and screen readers have of it."""
    title = harmless(headline(event, 300))
    blocks = [_section(f"*{harmless(shortened(event.environment, 100))}* {title}")]
    if lines := list(_lines(event, contacts)):
        blocks.append(_section("\n".join(lines)))
    context = " · ".join(_context(event, link))
    blocks.append({"type": "context", "elements": [_text(context)]})
    return {"text": title, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def harmless(text: str) -> str:
    """Text of others, as it is written: no mention, no link, no formatting.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    shown = looking_alike(text, but="&<>[]")
    shown = re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", "\N{MODIFIER LETTER LOW MACRON}", shown)
    return _escaped(shown)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _lines(event: Event, contacts: Sequence[Contact]) -> Iterator[str]:
    for service, before, after in moved(event):
        yield harmless(f"{shortened(service, 60)}  {shortened(before, 60)} → {shortened(after, 60)}")
    if more := left_out(event):
        yield more
    if event.reason:
        yield f"Reason: {harmless(shortened(event.reason, 400))}"
    # From the settings: an address to copy stays one.
    yield from map(_escaped, whom_to_call(event, contacts))


def _context(event: Event, link: str) -> Iterator[str]:
    yield str(event.severity)
    yield when(event)
    if event.revision:
        yield harmless(f"{shortened(event.revision[:12], 12)} {shortened(event.subject, 100)}".strip())
    if event.by:
        yield harmless(shortened(event.by, 60))
    if address := run_link(link, event):
        yield f"<{address.replace('|', '%7C').replace('>', '%3E')}|run>"
    elif event.run:
        yield f"run {harmless(shortened(event.run, 40))}"


def _section(text: str) -> Object:
    return {"type": "section", "text": _text(text)}


def _text(text: str) -> Object:
    """A text object; ``verbatim`` keeps Slack from making links and mentions of what looks like some."""
    return {"type": "mrkdwn", "text": _cut(text), "verbatim": True}


def _cut(text: str) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text
    # By whole lines, so that no escape is cut in two.
    return text[: MOST_CHARACTERS - 2].rpartition("\n")[0] + "\n…"
