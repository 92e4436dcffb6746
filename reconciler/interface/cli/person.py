"""Who types: the name that goes with what a person did."""

from __future__ import annotations

import os
from collections.abc import Mapping

from reconciler.ports import Repository


def person(repository: Repository, environ: Mapping[str, str]) -> str:
    """The name that Git knows, else the login; of somebody who became root, their own.

    Args:
        repository: knows who commits.
        environ: the process's environment.
    """
    named = (repository.person(), *(environ.get(name, "") for name in ("SUDO_USER", "LOGNAME", "USER")))
    return next((name.strip() for name in named if name.strip()), _login())


def _login() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user need not be in its files
        return f"user {os.getuid()}"
