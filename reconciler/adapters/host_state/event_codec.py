"""Events, messages and what was told as JSON and back; see ``codec``."""

from __future__ import annotations

from reconciler.adapters.host_state.codec import Object, Written, time_from, time_text
from reconciler.domain.events import Delivery, Event, Kind, Message
from reconciler.domain.severity import Severity
from reconciler.domain.told import Told, Trouble


def event_object(event: Event) -> Object:
    """All of an event."""
    return {
        "key": event.key,
        "kind": event.kind,
        "environment": event.environment,
        "at": time_text(event.at),
        "severity": event.severity,
        "summary": event.summary,
        "incident": event.incident,
        "run": event.run,
        "revision": event.revision,
        "subject": event.subject,
        "by": event.by,
        "moves": event.moves,
        "reason": event.reason,
        "details": event.details,
    }


def event_from(written: Written) -> Event:
    """The event that ``event_object`` wrote."""
    return Event(
        key=written["key"],
        kind=Kind(written["kind"]),
        environment=written["environment"],
        at=time_from(written["at"]),
        severity=Severity(written["severity"]),
        summary=written["summary"],
        incident=written.get("incident", ""),
        run=written.get("run", ""),
        revision=written.get("revision", ""),
        subject=written.get("subject", ""),
        by=written.get("by", ""),
        moves=tuple((one, two, three) for one, two, three in written.get("moves", ())),
        reason=written.get("reason", ""),
        details=written.get("details", ""),
    )


def way_object(message: Message) -> Object:
    """How far a message has come, beside its state."""
    return {
        "attempts": message.attempts,
        "again_at": time_text(message.again_at) if message.again_at is not None else None,
        "receipt": message.receipt,
        "trouble": message.trouble,
        "merged": message.merged,
    }


def message_from(written: Written, number: int, channel: str, event: Event, state: str) -> Message:
    """The message whose way ``way_object`` wrote."""
    again = written.get("again_at")
    return Message(
        number=number,
        channel=channel,
        event=event,
        state=Delivery(state),
        attempts=written.get("attempts", 0),
        again_at=time_from(again) if again is not None else None,
        receipt=written.get("receipt", ""),
        trouble=written.get("trouble", ""),
        merged=written.get("merged", 0),
    )


def told_object(told: Told) -> Object:
    """What was told last."""
    trouble = told.trouble
    return {
        "release": event_object(told.release) if told.release is not None else None,
        "trouble": None
        if trouble is None
        else {
            "incident": trouble.incident,
            "kind": trouble.kind,
            "severity": trouble.severity,
            "since": time_text(trouble.since),
            "summary": trouble.summary,
            "signs": trouble.signs,
            "channels": trouble.channels,
        },
    }


def told_from(written: Written) -> Told:
    """What ``told_object`` wrote."""
    release, trouble = written.get("release"), written.get("trouble")
    return Told(
        event_from(release) if release is not None else None,
        None if trouble is None else _trouble_from(trouble),
    )


def _trouble_from(written: Written) -> Trouble:
    return Trouble(
        incident=written["incident"],
        kind=Kind(written["kind"]),
        severity=Severity(written["severity"]),
        since=time_from(written["since"]),
        summary=written.get("summary", ""),
        signs=tuple(written.get("signs", ())),
        channels=tuple(written.get("channels", ())),
    )
