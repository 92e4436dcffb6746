"""What git may know of the caller's environment, and which settings hold in every call."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Configuration stays in force, because it holds safe.directory, credentials and the identity of the user.
# What it could make git *run*, or do beside the request, is switched off in every call. Filters, ssh
# command, credential helpers and signing programs stay: they are how this user's Git works.
SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "log.showSignature=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.writeCommitGraph=false",
    "submodule.recurse=false",
    "core.splitIndex=false",
    "user.useConfigOnly=true",  # no invented root@hostname in a commit
    "i18n.commitEncoding=UTF-8",
    "trailer.separators=:",
    "color.ui=false",
)

# GIT_DIR, GIT_INDEX_FILE and others that a calling hook sets would point us at another repository, and
# GIT_TRACE would print secrets; what says who the user is and how to reach the remote has to stay.
_KEPT = re.compile(
    r"GIT_(?:CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)|ASKPASS|SSH|SSH_COMMAND|SSH_VARIANT"
    r"|SSL_(?:CAINFO|CAPATH|CERT|KEY)|PROXY_SSL_\w+|HTTP_PROXY_AUTHMETHOD)"
)
_IDENTITY = re.compile(r"GIT_(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL|DATE)")

_FIXED = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "https:ssh:http:file:git",  # never ext:: and fd::, whatever a remote's URL says
    "GIT_OPTIONAL_LOCKS": "0",  # looking at the work tree must not lock the index
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",  # an object id has to mean the object that it is the hash of
    "LC_ALL": "C",  # error texts are told apart
    "LANGUAGE": "",
}


def scrubbed(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for git, for a caller with the environment ``environ``."""
    kept = {
        name: value for name, value in environ.items() if not name.startswith("GIT_") or _KEPT.fullmatch(name)
    }
    return kept | _FIXED


def identity(environ: Mapping[str, str]) -> dict[str, str]:
    """Author and committer as ``environ`` names them, for the one command that writes a commit."""
    return {name: value for name, value in environ.items() if _IDENTITY.fullmatch(name)}
