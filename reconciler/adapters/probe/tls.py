"""How certificates are checked, kept ready: reading the system's takes longer than most answers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.probe.unaskable import Unaskable
from reconciler.domain.check import Tls

if TYPE_CHECKING:
    import ssl


class Contexts:
    """One SSL context for each way of checking. It may be shared between threads."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, ...], ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def of(self, tls: Tls) -> ssl.SSLContext:
        """The context for ``tls``; a file of certificates that was replaced is read again.

        Raises:
            Unaskable: the file cannot be read, or holds no certificates.
        """
        import ssl

        with self._lock:
            try:
                key = (tls, *_stamp(tls))
                if key not in self._made:
                    self._made[key] = _context(tls)
            except ssl.SSLError:
                raise Unaskable(f"{tls.authority} holds no certificate that can be used") from None
            except (OSError, ValueError):
                raise Unaskable(f"the file of certificates {tls.authority} cannot be read") from None
            return self._made[key]


def _stamp(tls: Tls) -> tuple[object, ...]:
    if not tls.verify or not tls.authority:
        return ()
    status = Path(tls.authority).stat()
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def _context(tls: Tls) -> ssl.SSLContext:
    import ssl

    if not tls.verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context = ssl.create_default_context(cafile=tls.authority or None)
    context.set_alpn_protocols(["http/1.1"])
    return context
