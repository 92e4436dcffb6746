"""The engine of the bed, for tests that need one: they fail without it, and say how to get it."""

from __future__ import annotations

import os

import pytest

from reconciler.adapters.docker_host import DockerHost
from reconciler.errors import EngineUnreachable

HOW = 'Bring up the bed: scripts/bed up && eval "$(scripts/bed env)"'


def required_engine() -> str:
    """The URL of the bed's engine; the test fails where none answers, or the bed is not up."""
    engine = DockerHost()
    try:
        engine.version()
    except EngineUnreachable as error:
        pytest.fail(f"{error}\n{HOW}", pytrace=False)
    finally:
        engine.close()
    if "RECONCILE_BED_REGISTRY" not in os.environ:
        pytest.fail(f"the test bed is not up\n{HOW}", pytrace=False)
    return engine.endpoint.url
