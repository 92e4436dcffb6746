"""Channels that people are told through: each speaks to one kind of service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from reconciler.adapters.notify.hidden import filled, of_address, values_of
from reconciler.domain.channels import (
    Apprise,
    Command,
    Contact,
    GitHub,
    Linear,
    Service,
    Slack,
    StatusDocument,
    Statuspage,
    Webhook,
)
from reconciler.ports import Notifier, Proposals

if TYPE_CHECKING:
    from reconciler.adapters.notify.dial import Guard

TOTAL_SECONDS = 15.0


def pull_requests(base: str, repository: str, token: str) -> Proposals:
    """Pull requests of ``repository`` (``owner/name``) at the API ``base``. Nothing is asked yet."""
    from reconciler.adapters.notify.github.api import Api
    from reconciler.adapters.notify.github.pulls import PullRequests
    from reconciler.adapters.notify.outgoing import Outgoing

    return PullRequests(Api(Outgoing("GitHub", values_of({}, [token])), base, repository, token))


def make(
    service: Service,
    secrets: Mapping[str, str],
    *,
    link: str = "",
    contacts: tuple[Contact, ...] = (),
    total_seconds: float = TOTAL_SECONDS,
) -> Notifier:
    """The channel for a service. Nothing is asked yet.

    Args:
        service: which, as ``reconcile.yaml`` has it.
        secrets: what each ``${NAME}`` in it stands for.
        link: where a run can be read, with ``{run}`` in it; empty for nowhere.
        contacts: who is called when it matters, for channels to which no report goes.
        total_seconds: how long one exchange may take; a command has a limit of its own.

    Raises:
        NoticeRefused: a secret is missing, or is not one for this service.
    """
    # What they import takes longer than a pass with nothing to do.
    from reconciler.adapters.notify.addresses import refuse_private
    from reconciler.adapters.notify.apprise import AppriseNotifier
    from reconciler.adapters.notify.command import CommandNotifier
    from reconciler.adapters.notify.github import GitHubNotifier
    from reconciler.adapters.notify.github.api import Api
    from reconciler.adapters.notify.linear import LinearNotifier
    from reconciler.adapters.notify.outgoing import Outgoing
    from reconciler.adapters.notify.signature import keys_of
    from reconciler.adapters.notify.slack import SlackNotifier
    from reconciler.adapters.notify.status_document import StatusDocumentNotifier
    from reconciler.adapters.notify.statuspage import StatuspageNotifier
    from reconciler.adapters.notify.webhook import WebhookNotifier

    def outgoing(name: str, more: Iterable[str], guard: Guard | None = None) -> Outgoing:
        return Outgoing(name, values_of(secrets, more), total_seconds, guard)

    match service:
        case GitHub():
            token = filled(service.token, secrets)
            api = Api(outgoing("GitHub", [token]), service.api, service.repository, token)
            return GitHubNotifier(api, service, link)
        case Linear():
            key = filled(service.key, secrets)
            return LinearNotifier(outgoing("Linear", [key]), service, key, link)
        case Statuspage():
            key = filled(service.key, secrets)
            return StatuspageNotifier(outgoing("Statuspage", [key]), service, key)
        case StatusDocument():
            url, token = filled(service.url, secrets), filled(service.token, secrets)
            return StatusDocumentNotifier(outgoing("the status page", [token]), url, token)
        case Slack():
            url = filled(service.url, secrets)
            return SlackNotifier(outgoing("Slack", of_address(url)), url, link, contacts)
        case Webhook():
            url, secret = filled(service.url, secrets), filled(service.secret, secrets)
            guard = None if service.allow_private else refuse_private
            return WebhookNotifier(outgoing("the webhook", [secret], guard), url, keys_of(secret))
        case Command():
            return CommandNotifier(service, values_of(secrets))
        case Apprise():
            url = filled(service.url, secrets)
            return AppriseNotifier(values_of(secrets, of_address(url)), url, link, contacts)
