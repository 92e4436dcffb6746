"""An engine behind TLS, as far as a client can tell, and the certificates of both sides."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

_ABOUT = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web", "name": "shop-web-1"}
EVENT = json.dumps({"Action": "oom", "Actor": {"Attributes": _ABOUT}, "timeNano": 10**18}).encode() + b"\n"


class Engine(BaseHTTPRequestHandler):
    """Enough of an engine to be asked for a list, and for events: of those there is one."""

    def do_GET(self) -> None:
        if self.path.startswith("/events"):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(EVENT)
            return
        body = b'{"ApiVersion": "1.41"}' if self.path.endswith("/version") else b"[]"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


class Authority:
    """A certificate authority of one's own, over openssl."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=authority",
                      "-keyout", "ca-key.pem", "-out", "ca.pem")  # fmt: skip

    def certificate(self, name: str, *, subject: str, days: int = 2) -> None:
        """Write NAME.pem and NAME-key.pem for an IP address or a host."""
        kind = "IP" if subject[0].isdigit() else "DNS"
        (self.folder / "san").write_text(f"subjectAltName={kind}:{subject}\n")
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={subject}",
                      "-keyout", f"{name}-key.pem", "-out", "request")  # fmt: skip
        self._openssl("x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca-key.pem",
                      "-CAcreateserial", "-days", str(days), "-extfile", "san",
                      "-out", f"{name}.pem")  # fmt: skip

    def _openssl(self, *arguments: str) -> None:
        openssl = shutil.which("openssl")
        assert openssl, "openssl is missing: run scripts/bed up"
        subprocess.run([openssl, *arguments], cwd=self.folder, check=True, capture_output=True)


@contextmanager
def tls_engine(authority: Authority, name: str) -> Iterator[str]:
    """An engine behind TLS that wants a certificate of the same authority; yields its URL."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.folder / "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(authority.folder / f"{name}.pem", authority.folder / f"{name}-key.pem")

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A refused handshake is what is tested."""

    with Quiet(("127.0.0.1", 0), Engine) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"tcp://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def client(authority: Authority, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variables of the docker command for TLS with this authority."""
    folder.mkdir()
    shutil.copy(authority.folder / "ca.pem", folder / "ca.pem")
    shutil.copy(authority.folder / "client.pem", folder / "cert.pem")
    shutil.copy(authority.folder / "client-key.pem", folder / "key.pem")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(folder))
