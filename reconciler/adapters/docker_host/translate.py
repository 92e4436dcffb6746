"""The boundary: what the Docker SDK and the libraries below it raise, as our errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.errors import (
    EngineFailed,
    EngineUnreachable,
    HostConflict,
    PermissionRefused,
    ReconcileError,
    Refused,
)

NO_ENGINE = "Is Docker running there? 'docker info' must answer."
# The engine answers 409 for a name and 500 for the rest; only its words tell them from other failures.
# A task that exists already is what an engine leaves that was killed while it started a container, which can
# never be started again then. Its port may stay allocated, too, until the engine is restarted once more.
_CONFLICT = re.compile(
    r"port is already allocated|address already in use|The container name .* is already in use"
    r"|task \w+: already exists",
    re.IGNORECASE,
)
NO_PERMISSION = (
    "Join the group that owns the engine's socket (usually 'docker'), or run as a user who may use it."
)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Whatever the SDK raises inside comes out as one of our errors.

    Keep the inside small: an answer that is not what the API describes surfaces in the SDK as KeyError,
    TypeError or ValueError (``create_api_error_from_http_exception`` indexes whatever JSON came), so
    these count as the engine's fault here.
    https://github.com/docker/docker-py/blob/7.1.0/docker/errors.py#L26

    Args:
        doing: what is being done, to what: ``start container web-1``.

    Raises:
        EngineUnreachable: the engine does not answer, or not in time.
        PermissionRefused: it, or its socket, does not admit us.
        Refused: the SDK was configured with something that is not there.
        EngineFailed: everything else.
    """
    try:
        yield
    except ReconcileError:
        raise
    except _foreign_errors() as error:
        raise explained(doing, error) from error


def _foreign_errors() -> tuple[type[Exception], ...]:
    # Looked up only when something was raised: this module must not load the SDK.
    from docker.errors import DockerException, StreamParseError
    from urllib3.exceptions import HTTPError

    return (OSError, LookupError, TypeError, ValueError, DockerException, StreamParseError, HTTPError)


def explained(doing: str, error: BaseException) -> ReconcileError:
    """Our error for ``error``, which was raised by the SDK while ``doing``."""
    from docker import errors

    match error:
        case errors.APIError():
            return _refused_by_engine(doing, error)
        case errors.ContextNotFound() | errors.ContextException() | errors.MissingContextParameter():
            return Refused(f"could not {doing}: {error}")
        case errors.TLSParameterError():
            return EngineUnreachable(
                f"could not {doing}: {error.msg}",
                hint="Check the files in DOCKER_CERT_PATH or in the context.",
            )
        case errors.InvalidConfigFile():
            return EngineUnreachable(
                f"could not {doing}: the docker command's configuration cannot be read: {error}",
                hint="Check config.json in ~/.docker or in DOCKER_CONFIG.",
            )
        case _:
            return _no_answer(doing, error)


def reason(error: BaseException) -> str:
    """The engine's own words, on one line, without its URL."""
    said = getattr(error, "explanation", None) or error
    return " ".join(str(said).split()).removeprefix("Error response from daemon: ")


def _refused_by_engine(doing: str, error: BaseException) -> ReconcileError:
    status = getattr(error, "status_code", None)
    if status in (401, 403) and "already exists" not in reason(error):
        return PermissionRefused(f"the Docker Engine refused to {doing}: {reason(error)}", hint=NO_PERMISSION)
    kind = HostConflict if _CONFLICT.search(reason(error)) else EngineFailed
    return kind(f"could not {doing}: {reason(error)}")


def _no_answer(doing: str, error: BaseException) -> ReconcileError:
    """Our error where the engine did not answer, or answered something that is no answer."""
    import ssl

    import requests
    from docker.errors import DockerException
    from urllib3.exceptions import HTTPError
    from urllib3.exceptions import TimeoutError as Late

    causes = tuple(chain(error))
    if any(isinstance(cause, PermissionError) for cause in causes):
        return PermissionRefused(
            f"could not {doing}: no permission to use the engine's socket", hint=NO_PERMISSION
        )
    if refusal := next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None):
        words = f"could not {doing}: no TLS connection to the Docker Engine: {reason(refusal)}"
        return EngineUnreachable(words, hint="Check the certificates in DOCKER_CERT_PATH or in the context.")
    if any(isinstance(cause, requests.Timeout | Late | TimeoutError) for cause in causes):
        return EngineUnreachable(
            f"could not {doing}: the Docker Engine did not answer in time", hint=NO_ENGINE
        )
    if any(
        isinstance(cause, requests.ConnectionError | ConnectionError | FileNotFoundError) for cause in causes
    ):
        return EngineUnreachable(f"could not {doing}: the Docker Engine does not answer", hint=NO_ENGINE)
    if isinstance(error, DockerException):
        return EngineFailed(f"could not {doing}: {reason(error)}")
    if isinstance(error, OSError | HTTPError) and not isinstance(error, requests.JSONDecodeError):
        return EngineUnreachable(f"could not {doing}: {reason(error)}", hint=NO_ENGINE)
    return EngineFailed(f"could not {doing}: the answer is not what the Docker API describes ({error!r})")


def chain(error: BaseException) -> Iterator[BaseException]:
    """``error`` and everything that led to it; requests keeps the cause in its arguments."""
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        linked = (current.__cause__, current.__context__, getattr(current, "reason", None), *current.args)
        waiting += [item for item in linked if isinstance(item, BaseException)]
