"""One container of the controllable image, and how a client talks to it."""

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from types import TracebackType
from typing import Self

from tests.bed.tools import docker, wait_until


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it came; redirects are not followed."""

    status: int
    text: str
    headers: Message


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""


def ask(url: str, *, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """One request: POST with `data`, else GET. Raises OSError where there is no answer."""
    request = urllib.request.Request(url, data=data, headers=dict(headers or {}))
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=5) as answer:
            return Answer(answer.status, answer.read().decode(), answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read().decode(), error.headers)


def get(url: str) -> tuple[int, str]:
    answer = ask(url)
    return answer.status, answer.text


class Running:
    """One container of the image, on a free loopback port; ready when it answers 200."""

    def __init__(self, image: str, *flags: str, **switches: str) -> None:
        environment = [f"--env={name}={value}" for name, value in switches.items()]
        self.id = docker(
            "run", "--detach", "--publish", "127.0.0.1::8080", *flags, *environment, image
        ).strip()
        self._url = ""

    @property
    def url(self) -> str:
        """Where it answers; asked for when it is needed, because what has ended has no port."""
        if not self._url:
            self._url = f"http://{docker('port', self.id, '8080').strip()}"
        return self._url

    def __enter__(self) -> Self:
        wait_until(self.answers, seconds=10, what="the image answers")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        docker("rm", "--force", "--volumes", self.id)

    def answers(self) -> bool:
        try:
            return get(f"{self.url}/version")[0] == 200
        except OSError:
            return False
