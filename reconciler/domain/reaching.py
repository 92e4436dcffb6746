"""Running, and not reachable: what an engine that crashed may leave of a container's published port.

The container runs, its health check is content, and whoever knocks at its port finds nobody, until its
endpoint is made anew. It was seen for 25 s and more after an engine was killed; a stop and a start mend it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from urllib.parse import urlsplit

from reconciler.domain.check import Check, Flow, Http, Tcp
from reconciler.domain.desired import Port, Service
from reconciler.domain.observed import Observed, Role
from reconciler.domain.plan import Change, Entry, Plan, Restart

CONTENT_SECONDS = 5.0
"""How long a container that is healthy may be out of reach: it is not starting any more."""
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Reach:
    """Who is out of reach, a fold over looks: ``since`` when, in seconds of one monotonic clock.

    ``mended`` were restarted for it already. Once is enough: what that does not mend has another cause.
    """

    since: Mapping[str, float] = field(default_factory=dict)
    mended: frozenset[str] = frozenset()

    def saw(self, out_of_reach: Container[str], asked: Iterable[str], now: float) -> Reach:
        """After a look at the services ``asked``."""
        known = {name: self.since.get(name, now) for name in asked if name in out_of_reach}
        return replace(self, since=known)

    def due(self, patience: Mapping[str, float], now: float) -> tuple[str, ...]:
        """Who was out of reach for longer than there is ``patience``, in seconds, with each of them."""
        waited = {name: now - since for name, since in self.since.items() if name not in self.mended}
        return tuple(sorted(name for name, seconds in waited.items() if seconds >= patience.get(name, inf)))

    def mending(self, services: Iterable[str]) -> Reach:
        """These are restarted now."""
        gone = frozenset(services)
        left = {name: since for name, since in self.since.items() if name not in gone}
        return Reach(left, self.mended | gone)


def asked_through(check: Check, services: Iterable[Service]) -> str:
    """The service whose published port a check asks at, on this host; empty where it asks elsewhere."""
    place = _place(check)
    if place is None:
        return ""
    return next((s.name for s in services if any(_leads_to(port, *place) for port in s.ports)), "")


def _place(check: Check) -> tuple[str, int] | None:
    match check.question:
        case Http(request=request):
            return _of_url(request.url)
        case Flow(requests=(first, *_)):
            return _of_url(first.url)
        case Tcp(host=host, port=port):
            return host, port
        case _:
            return None


def _of_url(url: str) -> tuple[str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or _USUAL_PORTS.get(parts.scheme, 0)
    except ValueError:
        return None  # a secret stands where the port will be
    return (parts.hostname, port) if parts.hostname and port else None


def _leads_to(port: Port, host: str, number: int) -> bool:
    here = host in _HERE or host == port.address
    return here and (port.number, port.protocol) == (number, "tcp")


def restart_unreached(
    plan: Plan, observed: Observed, services: Iterable[Service], why: Mapping[str, str]
) -> Plan:
    """A plan that restarts services nobody reaches; what is changed anyway needs no restart.

    Args:
        plan: what would be done.
        observed: the snapshot that it was made from.
        services: those of the environment.
        why: why each of them is restarted, by name.
    """
    known = {service.name: service for service in services}
    entries = tuple(
        _restarted(entry, observed, known[entry.name], why[entry.name])
        if entry.name in why and entry.name in known and entry.change is Change.NONE
        else entry
        for entry in plan.entries
    )
    added = [
        new.name for new, old in zip(entries, plan.entries, strict=True) if new.actions and not old.actions
    ]
    return replace(plan, entries=entries, waves=(*plan.waves, tuple(added))) if added else plan


def _restarted(entry: Entry, observed: Observed, service: Service, why: str) -> Entry:
    running = tuple(i for i in observed.of(entry.name) if i.running and i.role is Role.SERVING)
    if not running:
        return entry
    return replace(entry, change=Change.DRIFT, cause=why, actions=(Restart(service, running, why),))
