"""The ``${NAME}`` in checks, data and channels: secrets to be provided, and values that a flow captures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from reconciler.domain.channels import (
    Apprise,
    Command,
    GitHub,
    Linear,
    Notify,
    Service,
    Slack,
    StatusDocument,
    Statuspage,
)
from reconciler.domain.check import Check, Database, Flow, Http, Query, Request, SearchIndex
from reconciler.domain.data import Data

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_-]*)\}")


def secrets_named(checks: Iterable[Check]) -> dict[str, tuple[str, ...]]:
    """Which secrets checks need: check → names, in the order in which they are met.

    What an earlier request of the same flow captured is none.
    """
    found = {check.name: tuple(dict.fromkeys(_needed(check))) for check in checks}
    return {check: names for check, names in found.items() if names}


def secrets_of_data(data: Data) -> tuple[str, ...]:
    """Which secrets the servers of an environment's data need."""
    couchdb, search = data.couchdb, data.search
    texts = (
        *((couchdb.username, couchdb.password) if couchdb is not None else ()),
        *((search.key,) if search is not None else ()),
    )
    return tuple(dict.fromkeys(_named(texts)))


def secrets_of_notify(notify: Notify) -> tuple[str, ...]:
    """Which secrets the channels of an environment need."""
    texts = (text for channel in notify.channels for text in _of_service(channel.service))
    return tuple(dict.fromkeys(_named(texts)))


def secrets_of_service(service: Service) -> tuple[str, ...]:
    """Which secrets one channel needs."""
    return tuple(dict.fromkeys(_named(_of_service(service))))


def named_in(text: str) -> tuple[str, ...]:
    """The names in one text, each once."""
    return tuple(dict.fromkeys(_NAME.findall(text)))


def _needed(check: Check) -> Iterator[str]:
    match check.question:
        case Http(request=request):
            yield from _named(_texts(request))
        case Flow(requests=requests):
            captured: set[str] = set()
            for request in requests:
                yield from (name for name in _named(_texts(request)) if name not in captured)
                captured.update(name for name, _ in request.capture)
        case Query(url=url, headers=headers):
            yield from _named((url, *(value for _, value in headers)))
        case Database(url=url, username=username, password=password):
            yield from _named((url, username, password))
        case SearchIndex(url=url, key=key):
            yield from _named((url, key))
        case _:
            return


def _of_service(service: Service) -> tuple[str, ...]:
    match service:
        case GitHub(token=token):
            return (token,)
        case Linear(key=key) | Statuspage(key=key):
            return (key,)
        case Slack(url=url) | Apprise(url=url):
            return (url,)
        case Command():
            return ()
        case StatusDocument(url=url, token=token):
            return (url, token)
        case _:
            return (service.url, service.secret)


def _named(texts: Iterable[str]) -> Iterator[str]:
    return (name for text in texts for name in _NAME.findall(text))


def _texts(request: Request) -> Iterator[str]:
    yield from (request.url, request.body, request.json)
    yield from (text for pair in (*request.headers, *request.form) for text in pair)
