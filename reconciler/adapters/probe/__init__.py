"""Looks from outside at what runs, for the gate: what is there, or why it could not be looked at."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import replace

from reconciler.adapters.probe.refusals import Refusals
from reconciler.adapters.probe.secrets import Secrets
from reconciler.adapters.probe.tls import Contexts
from reconciler.domain.check import Asked, Database, Flow, Http, Query, SearchIndex, Tcp
from reconciler.domain.comparison import Seen


class OutsideProbe:
    """The ``Probe`` port. It may be shared between threads: looks have in common TLS settings, and which
    logins were refused.

    No proxies are used, and no connection is used twice: a kept one would lead to the container that was
    there before.

    Args:
        environ: where ``${NAME}`` is looked up, as NAME or as the file that NAME_FILE names; the process's
            own variables by default.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._contexts = Contexts()
        self._refusals = Refusals()

    def ask(self, question: Asked, time_limit_seconds: float) -> Seen:
        """See ``ports.Probe``.

        The whole look (all redirects, all requests of a flow) takes at most ``time_limit_seconds``, but for
        the resolution of a host's name, which the system bounds. What ``${NAME}`` stands for, and what a
        flow captured, never shows in the detail.
        """
        secrets = Secrets(self._environ)
        seen = self._seen(question, time_limit_seconds, secrets)
        return replace(seen, detail=secrets.hidden_in(seen.detail))

    def missing(self, names: Collection[str]) -> tuple[str, ...]:
        """See ``ports.Probe``."""
        return Secrets(self._environ).missing(names)

    def _seen(self, question: Asked, seconds: float, secrets: Secrets) -> Seen:
        # What they import takes longer than a pass with nothing to do.
        import reconciler.adapters.probe.couchdb as couchdb
        import reconciler.adapters.probe.flow as flow
        import reconciler.adapters.probe.http as http
        import reconciler.adapters.probe.meilisearch as meilisearch
        import reconciler.adapters.probe.query as query
        import reconciler.adapters.probe.tcp as tcp

        match question:
            case Http():
                return http.look(question, seconds, secrets, self._contexts)
            case Flow():
                return flow.look(question, seconds, secrets, self._contexts)
            case Tcp():
                return tcp.look(question, seconds, secrets)
            case Query():
                return query.look(question, seconds, secrets, self._contexts)
            case Database():
                return couchdb.look(question, seconds, secrets, self._contexts, self._refusals)
            case SearchIndex():
                return meilisearch.look(question, seconds, secrets, self._contexts)
