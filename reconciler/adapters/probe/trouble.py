"""What it says about a service that there was no usable answer."""

from __future__ import annotations

import errno
import socket
import ssl

from reconciler.adapters.probe.deadline import Deadline
from reconciler.adapters.probe.secrets import Secrets
from reconciler.adapters.probe.unaskable import Unaskable
from reconciler.domain.comparison import Seen
from reconciler.domain.gate import Evidence

_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
_OWN = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EACCES, errno.EPERM})
_WRONG_NAME = frozenset({62, 64})  # X509_V_ERR_HOSTNAME_MISMATCH and _IP_ADDRESS_MISMATCH of OpenSSL


def seen_instead(error: Exception, deadline: Deadline, secrets: Secrets) -> Seen:
    """What it comes to that a look ended with ``error``.

    Args:
        error: ``Unaskable``, or what ``socket``, ``ssl`` and ``http.client`` raise.
        deadline: of the look.
        secrets: what must not show.
    """
    match error:
        case Unaskable():
            return Seen(Evidence.NONE, str(error))
        case TimeoutError():
            return Seen(Evidence.UNREADY, f"no whole answer within {deadline.limit_seconds:g} s")
        case socket.gaierror():
            return Seen(Evidence.NONE, "the host's name cannot be resolved")
        case ssl.SSLError():
            return _without_tls(error, secrets)
        case ConnectionRefusedError():
            return Seen(Evidence.UNREADY, "connection refused")
        case ConnectionError():  # http.client's RemoteDisconnected is one too
            return Seen(Evidence.UNREADY, "the connection was closed without an answer")
        case OSError():
            return _without_route(error, secrets)
        case _:
            return Seen(Evidence.BAD, "what answers does not speak HTTP, or broke off")


def _without_tls(error: ssl.SSLError, secrets: Secrets) -> Seen:
    match error:
        case ssl.SSLCertVerificationError():
            # OpenSSL's own words name the host, which may be a secret here.
            why = "it is for another host" if error.verify_code in _WRONG_NAME else error.verify_message
            return Seen(Evidence.BAD, f"the certificate is not trusted: {secrets.shown(why)}")
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return Seen(Evidence.UNREADY, "the TLS handshake was cut off")
        case _:
            # Those that the ssl module raises itself have no reason.
            reason = (getattr(error, "reason", None) or "unknown reason").replace("_", " ").lower()
            return Seen(Evidence.BAD, f"no TLS connection: {secrets.shown(reason)}")


def _without_route(error: OSError, secrets: Secrets) -> Seen:
    if error.errno in _NO_ROUTE:
        return Seen(Evidence.NONE, "there is no route to the host")
    evidence = Evidence.NONE if error.errno in _OWN else Evidence.BAD
    return Seen(evidence, secrets.shown(error.strerror or type(error).__name__))
