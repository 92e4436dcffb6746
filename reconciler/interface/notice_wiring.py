"""Constructs what tells people: the channels of an environment, and the reports that go with a message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from reconciler.domain.channels import Channel, Command
from reconciler.domain.environment import Environment
from reconciler.domain.events import CALLS, Event, Kind
from reconciler.domain.placeholders import secrets_of_service
from reconciler.domain.powers import may_tell_by_command
from reconciler.errors import NoticeRefused, Refused
from reconciler.interface.secrets import value_of

if TYPE_CHECKING:
    from reconciler.ports import Journal, Notifier, Proposals

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def require_allowed(environment: Environment, channel: Channel, allowed: Iterable[str]) -> None:
    """See that a channel asks for nothing that this host does not allow.

    Whoever can push to Git could otherwise run anything here.

    Raises:
        NoticeRefused: it is a command on the host.
    """
    if isinstance(channel.service, Command) and not may_tell_by_command(environment.name, allowed):
        raise NoticeRefused(
            f"the channel {channel.name} is a command, and this host does not allow that",
            hint=f"Allow it on this host: RECONCILE_ALLOW={environment.name}/notify:host",
        )


def notifier_of(environment: Environment, channel: Channel, environ: Mapping[str, str]) -> Notifier:
    """What speaks to a channel. Nothing is asked yet.

    Args:
        environment: whose it is.
        channel: which one.
        environ: knows the values of ``${NAME}``.

    Raises:
        NoticeRefused: a secret has no value here, or is not one for this service.
    """
    from reconciler.adapters.notify import make

    names = secrets_of_service(channel.service)
    secrets = {name: value for name in names if (value := value_of(name, environ))}
    notify = environment.notify
    return make(channel.service, secrets, link=notify.link, contacts=notify.contacts)


def proposals_of(environ: Mapping[str, str]) -> Proposals:
    """Where merges are asked for: the repository that a job at GitHub is about, or that is named like there.

    Args:
        environ: GITHUB_REPOSITORY (``owner/name``), GITHUB_TOKEN or GITHUB_TOKEN_FILE, GITHUB_API_URL.

    Raises:
        Refused: one of them is missing, or is none.
    """
    token, repository = value_of("GITHUB_TOKEN", environ), environ.get("GITHUB_REPOSITORY", "")
    if not token:
        raise Refused("a pull request takes GITHUB_TOKEN", hint="Its right is called: Pull requests: write")
    if not _REPOSITORY.fullmatch(repository):
        raise Refused(f"GITHUB_REPOSITORY is {repository!r}, and not owner/name", hint="Set it to that")
    from reconciler.adapters.notify import pull_requests

    return pull_requests(environ.get("GITHUB_API_URL") or "https://api.github.com", repository, token)


def details_of(environment: Environment, journal: Journal, environ: Mapping[str, str], event: Event) -> str:
    """What more there is to say of an event, as harmless Markdown: the incident, and whom to call.

    Raises:
        PermissionRefused: the journal cannot be read.
    """
    parts = [_incident(environment, journal, event), _contacts(environment, event)]
    from reconciler.interface.cli.masked import hidden

    return hidden(environment, environ, "\n\n".join(part for part in parts if part))


def _incident(environment: Environment, journal: Journal, event: Event) -> str:
    from reconciler.domain.incident import REJECTED, incident

    if event.kind not in (Kind.ROLLED_BACK, Kind.ROLLBACK_FAILED) or not event.run:
        return ""
    story = journal.story(environment, event.run)
    if story is None or story.run.result not in REJECTED:
        return ""
    from reconciler.interface.render.incident_text import incident_markdown

    return incident_markdown(incident(story)).rstrip("\n")


def _contacts(environment: Environment, event: Event) -> str:
    contacts = environment.notify.contacts
    if not contacts or event.kind not in CALLS:
        return ""
    from reconciler.domain.foreign import text_of

    lines = [
        f"- **{text_of(one.name)}:** {text_of(one.reach)}" + (f" ({text_of(one.when)})" if one.when else "")
        for one in contacts
    ]
    return "\n".join(["## Contacts", "", *lines])
