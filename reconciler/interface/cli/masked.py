"""The secrets that the checks of an environment name, for the masks of a CI job."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from reconciler.domain.check import Flow, Http, Query, Request
from reconciler.domain.environment import Environment

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_-]*)\}")


def secrets_of(environments: Iterable[Environment], environ: Mapping[str, str]) -> tuple[str, ...]:
    """The values of every ``${NAME}`` in the checks, as far as they are set: NAME, or the file of NAME_FILE.

    What a flow captures is not known beforehand; the probe hides it in everything that it says.
    """
    texts = [text for environment in environments for text in _texts(environment)]
    names = dict.fromkeys(name for text in texts for name in _NAME.findall(text))
    values = [environ.get(name, "") or _from_file(environ.get(f"{name}_FILE", "")) for name in names]
    return tuple(dict.fromkeys(value for value in values if value))


def _texts(environment: Environment) -> Iterator[str]:
    """Every text of the checks in which a name may stand."""
    for check in environment.gate.checks:
        match check.question:
            case Http(request=request):
                yield from _of_request(request)
            case Flow(requests=requests):
                for request in requests:
                    yield from _of_request(request)
            case Query(url=url, headers=headers):
                yield from (url, *(value for _, value in headers))
            case _:
                pass


def _of_request(request: Request) -> Iterator[str]:
    yield from (request.url, request.body, request.json)
    yield from (text for pair in (*request.headers, *request.form) for text in pair)


def _from_file(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8").strip() if name else ""
    except (OSError, ValueError):
        return ""
