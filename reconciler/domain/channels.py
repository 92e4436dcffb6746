"""Who is told what, and how: the channels of an environment, as ``reconcile.yaml`` says.

``${NAME}`` in tokens, keys and secret addresses stands for a secret of reconcile's own environment. It is
filled in where the adapters are made, never here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.domain.events import Event, Kind
from reconciler.domain.severity import Severity

_GRAVITY = (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)


@dataclass(frozen=True, slots=True)
class GitHub:
    """``repository`` is ``owner/name``, ``token`` is ``${NAME}``. What is done there is chosen."""

    repository: str
    token: str
    api: str = "https://api.github.com"
    deployments: bool = True
    statuses: bool = False
    dispatch: bool = False
    issues: bool = True


@dataclass(frozen=True, slots=True)
class Linear:
    """A team's issues; ``key`` is ``${NAME}``."""

    team: str
    key: str
    labels: tuple[str, ...] = ()
    url: str = "https://api.linear.app/graphql"


@dataclass(frozen=True, slots=True)
class Statuspage:
    """A page of Atlassian Statuspage; ``key`` is ``${NAME}``. Only what users can notice goes there."""

    page: str
    key: str
    components: tuple[str, ...] = ()
    url: str = "https://api.statuspage.io"


@dataclass(frozen=True, slots=True)
class StatusDocument:
    """Any other status page: its state is put as one JSON document at ``url``; ``token`` is ``${NAME}``."""

    url: str
    token: str


@dataclass(frozen=True, slots=True)
class Slack:
    """An incoming webhook; its address is a secret, ``${NAME}``."""

    url: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """A POST that is signed as https://www.standardwebhooks.com says; ``secret`` is ``${NAME}``, ``whsec_…``.

    Private and loopback addresses are refused unless ``allow_private``.
    """

    url: str
    secret: str
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command on this host, which gets the event as JSON on its standard input."""

    command: tuple[str, ...]
    time_limit_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Apprise:
    """Anything that apprise knows (an extra that has to be installed); ``url`` is a secret, ``${NAME}``."""

    url: str


Service = GitHub | Linear | Statuspage | StatusDocument | Slack | Webhook | Command | Apprise


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel, and what goes there.

    Args:
        name: unique in its environment.
        service: how.
        severity: from which severity on.
        kinds: only these; all where empty.
    """

    name: str
    service: Service
    severity: Severity = Severity.LOW
    kinds: tuple[Kind, ...] = ()

    def takes(self, event: Event) -> bool:
        """Whether an event goes there. A recovery follows what it ends; see ``domain.told``."""
        grave = _GRAVITY.index(event.severity) >= _GRAVITY.index(self.severity)
        return grave and (not self.kinds or event.kind in self.kinds)


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to be called: ``name`` of the person or team, ``reach`` how, ``when`` in words."""

    name: str
    reach: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class Notify:
    """Everything about telling people. ``link`` is where a run can be read, with ``{run}`` in it."""

    channels: tuple[Channel, ...] = ()
    contacts: tuple[Contact, ...] = field(default=())
    link: str = ""
