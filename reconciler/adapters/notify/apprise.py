"""Everything that apprise knows: https://github.com/caronc/apprise, an extra that has to be installed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters.notify.hidden import Hidden
from reconciler.adapters.notify.look_alikes import looking_alike
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
from reconciler.domain.events import Event, Kind, Message
from reconciler.domain.severity import Severity
from reconciler.errors import NoticeRefused, NoticeUnreachable

_GOOD = frozenset({Kind.CONVERGED, Kind.RECOVERED, Kind.RESTORED, Kind.DRIFT_REPAIRED})
_BAD = (Severity.CRITICAL, Severity.HIGH)


@dataclass(frozen=True, slots=True)
class AppriseNotifier:
    """The ``Notifier`` port.

    Args:
        hidden: what must not be in any error.
        url: of the service; it is a secret.
        link: where a run can be read, with ``{run}`` in it.
        contacts: who is called when it matters.
    """

    hidden: Hidden
    url: str = field(repr=False)
    link: str = ""
    contacts: tuple[Contact, ...] = ()

    def deliver(self, event: Event, earlier: Sequence[Message], *, again: bool) -> str:  # noqa: ARG002
        """See ``ports.Notifier``. apprise does not say whether a failure will last: it is tried again."""
        try:
            import apprise
        except ImportError:
            raise NoticeRefused(
                "apprise is not installed", hint="Install it: pip install 'reconcile[apprise]'"
            ) from None
        with _heard() as said:
            told = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False, secure_logging=True))
            if not told.add(self.url):
                raise NoticeRefused(
                    "apprise does not know what the address of the channel leads to",
                    hint="https://github.com/caronc/apprise/wiki lists the forms of addresses.",
                )
            sent = told.notify(
                body="\n".join(_lines(event, self.link, self.contacts)),
                title=looking_alike(headline(event, 200)),
                notify_type=_type(event),
                body_format=apprise.NotifyFormat.TEXT,
            )
        if not sent:
            reason = self.hidden.words(said[-1]) if said else "it gives no reason"
            raise NoticeUnreachable(f"apprise could not send the message: {reason}")
        return ""


def _lines(event: Event, link: str, contacts: Sequence[Contact]) -> Iterator[str]:
    for service, before, after in moved(event):
        yield looking_alike(f"{shortened(service, 60)}  {shortened(before, 60)} → {shortened(after, 60)}")
    if more := left_out(event):
        yield more
    if event.reason:
        yield f"Reason: {looking_alike(shortened(event.reason, 400))}"
    # By those who look after reconcile: an address of theirs may be one.
    yield from whom_to_call(event, contacts)
    facts = [str(event.severity), when(event)]
    if event.revision:
        facts.append(
            looking_alike(f"{shortened(event.revision[:12], 12)} {shortened(event.subject, 100)}".strip())
        )
    yield ", ".join(facts)
    if address := run_link(link, event):
        yield address


def _type(event: Event) -> Any:
    import apprise

    if event.kind in _GOOD:
        return apprise.NotifyType.SUCCESS
    if event.severity in _BAD:
        return apprise.NotifyType.FAILURE
    return apprise.NotifyType.WARNING if event.severity is Severity.MEDIUM else apprise.NotifyType.INFO


class _Listener(logging.Handler):
    """Keeps what is logged, instead of letting it reach a log of ours: addresses are secrets."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())


@contextmanager
def _heard() -> Iterator[list[str]]:
    said: list[str] = []
    log, listener = logging.getLogger("apprise"), _Listener(said)
    propagated, log.propagate = log.propagate, False
    log.addHandler(listener)
    try:
        yield said
    finally:
        log.removeHandler(listener)
        log.propagate = propagated
