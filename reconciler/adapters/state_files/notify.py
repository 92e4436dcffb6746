"""Who is told what, as ``reconcile.yaml`` writes it: ``notify``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.adapters.state_files.credentials import secret_words
from reconciler.adapters.state_files.nodes import Items, Node
from reconciler.adapters.state_files.quantities import seconds
from reconciler.adapters.state_files.source import Source
from reconciler.adapters.state_files.written import Written
from reconciler.domain.channels import (
    Apprise,
    Channel,
    Command,
    Contact,
    GitHub,
    Linear,
    Notify,
    Service,
    Slack,
    StatusDocument,
    Statuspage,
    Webhook,
)
from reconciler.domain.events import Kind
from reconciler.domain.severity import Severity
from reconciler.errors import Finding

_LONGEST: Final = "10m"


def notify(environment: Written) -> Notify:
    """The channels and contacts of one environment; what is not written has the domain's defaults."""
    written = environment.part("notify")
    return Notify(
        channels=tuple(_channel(name.value, Written(node)) for name, node in written.entries("channels")),
        contacts=tuple(_contact(Written(item)) for item in _items(written.node("contacts"))),
        link=written.text("link"),
    )


def broken_notify(source: Source, environment: Written) -> Iterator[Finding]:
    """What the schema cannot say about channels."""
    for _, node in environment.part("notify").entries("channels"):
        command = Written(node).part("command")
        yield from secret_words(source, command.items("run"))
        limit = command.scalar("timeout")
        if limit is not None and seconds(limit.value) > seconds(_LONGEST):
            yield source.finding(limit.line, limit.column, f"'timeout' is at most {_LONGEST}")


def _channel(name: str, written: Written) -> Channel:
    return Channel(
        name=name,
        service=_service(written),
        severity=Severity(written.text("from", Severity.LOW)),
        kinds=tuple(dict.fromkeys(Kind(kind.value) for kind in written.items("events"))),
    )


def _service(channel: Written) -> Service:
    """The one service that the schema has found there."""
    if channel.node("github") is not None:
        return _github(channel.part("github"))
    if channel.node("linear") is not None:
        return _linear(channel.part("linear"))
    if channel.node("statuspage") is not None:
        return _statuspage(channel.part("statuspage"))
    if channel.node("status") is not None:
        page = channel.part("status")
        return StatusDocument(page.text("url"), page.text("token"))
    if channel.node("slack") is not None:
        return Slack(channel.part("slack").text("url"))
    if channel.node("webhook") is not None:
        hook = channel.part("webhook")
        private = hook.flag("allow_private", default=False)
        return Webhook(hook.text("url"), hook.text("secret"), private)
    if channel.node("command") is not None:
        command, usual = channel.part("command"), Command(())
        words = tuple(word.value for word in command.items("run"))
        return Command(words, command.seconds("timeout", usual.time_limit_seconds))
    return Apprise(channel.part("apprise").text("url"))


def _github(written: Written) -> GitHub:
    usual = GitHub("", "")
    return GitHub(
        repository=written.text("repository"),
        token=written.text("token"),
        api=_address(written, "api", usual.api),
        deployments=written.flag("deployments", default=usual.deployments),
        statuses=written.flag("statuses", default=usual.statuses),
        dispatch=written.flag("dispatch", default=usual.dispatch),
        issues=written.flag("issues", default=usual.issues),
    )


def _linear(written: Written) -> Linear:
    labels = tuple(label.value for label in written.items("labels"))
    url = _address(written, "url", Linear("", "").url)
    return Linear(written.text("team"), written.text("key"), labels, url)


def _statuspage(written: Written) -> Statuspage:
    components = tuple(component.value for component in written.items("components"))
    url = _address(written, "url", Statuspage("", "").url)
    return Statuspage(written.text("page"), written.text("key"), components, url)


def _contact(written: Written) -> Contact:
    return Contact(written.text("name"), written.text("reach"), written.text("when"))


def _address(written: Written, key: str, usual: str) -> str:
    """Paths are put behind it, so that a slash at the end would be one too many."""
    return written.text(key, usual).rstrip("/")


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, Items) else ()
