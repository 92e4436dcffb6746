"""The HTTP probe against real servers on loopback."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import quote

import pytest

from reconciler.adapters.http_probe import MOST_BYTES, HttpProbe
from reconciler.domain.environment import HttpCheck
from reconciler.domain.gate import Evidence
from tests.bed.registry import free_port

SECRET = "s3cret/with?odd&characters"


class Server(BaseHTTPRequestHandler):
    """/status/NNN answers so, /to redirects, /big never ends, /drip drips, /silent is silent."""

    protocol_version = "HTTP/1.1"
    asked: list[str]
    over: Event
    sent: list[int]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        match self.path.partition("?")[0].split("/"):
            case ["", "status", number]:
                self._answer(int(number))
            case ["", "to", *_]:
                self._answer(302, Location=f"https://ada:pw@elsewhere.test{self.path}?token=1")
            case ["", "big"]:
                self._endless()
            case ["", "drip"]:
                self._drip(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000)
            case ["", "drip-body"]:
                self._drip(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 100_000)
            case ["", "silent"]:
                self.over.wait(30)
            case ["", "garbage"]:
                self.wfile.write(b"\x00\xff garbage\r\n\r\n")
            case _:
                self._answer(200)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""

    def _answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "2", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"ok")

    def _endless(self) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            while not self.over.is_set():
                self.sent[0] += self.wfile.write(b"x" * 65536)
        except OSError:
            self.over.set()

    def _drip(self, content: bytes) -> None:
        self.close_connection = True
        try:
            for byte in content:
                self.wfile.write(bytes([byte]))
                if self.over.wait(0.02):
                    return
        except OSError:
            self.over.set()


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[tuple[type[Server], str]]:
    """A server, and `host:port`."""

    class Own(Server):
        asked: list[str] = []  # noqa: RUF012 - one class per server
        over = Event()
        sent = [0]  # noqa: RUF012

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is what is tested."""

    with Quiet(("127.0.0.1", 0), Own) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield Own, f"127.0.0.1:{server.server_address[1]}"
        Own.over.set()
        server.shutdown()


@pytest.fixture
def server() -> Iterator[tuple[type[Server], str]]:
    with serving() as found:
        yield found


@pytest.fixture
def probe() -> Iterator[HttpProbe]:
    with closing(HttpProbe({})) as probe:
        yield probe


def check(url: str, seconds: float = 5.0) -> HttpCheck:
    return HttpCheck("it", url, time_limit_seconds=seconds)


@pytest.mark.parametrize("status", [200, 201, 299])
def test_success_is_good(server: tuple[type[Server], str], probe: HttpProbe, status: int) -> None:
    evidence, words = probe.http(check(f"http://{server[1]}/status/{status}"))
    assert (evidence, words.split()[0]) == (Evidence.GOOD, str(status))


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503, 599])
def test_refusal_and_failure_are_bad(server: tuple[type[Server], str], probe: HttpProbe, status: int) -> None:
    evidence, words = probe.http(check(f"http://{server[1]}/status/{status}"))
    assert (evidence, words.split()[0]) == (Evidence.BAD, str(status))


def test_a_redirect_is_bad_and_not_followed(server: tuple[type[Server], str], probe: HttpProbe) -> None:
    evidence, words = probe.http(check(f"http://{server[1]}/to/login"))
    assert (evidence, words) == (Evidence.BAD, "302, a redirect to https://elsewhere.test/to/login")


def test_nobody_there_is_bad(probe: HttpProbe) -> None:
    assert probe.http(check(f"http://127.0.0.1:{free_port()}/")) == (Evidence.BAD, "connection refused")


def test_garbage_is_bad(server: tuple[type[Server], str], probe: HttpProbe) -> None:
    assert probe.http(check(f"http://{server[1]}/garbage"))[0] is Evidence.BAD


@pytest.mark.parametrize("path", ["silent", "drip", "drip-body"])
def test_the_whole_look_has_a_limit(server: tuple[type[Server], str], probe: HttpProbe, path: str) -> None:
    """Also when every single byte comes in time: a header that drips takes half an hour here."""
    evidence, words = probe.http(check(f"http://{server[1]}/{path}", 0.3))
    assert (evidence, words) == (Evidence.BAD, "no whole answer within 0.3 s")


def test_a_body_is_read_only_so_far(server: tuple[type[Server], str], probe: HttpProbe) -> None:
    evidence, _ = probe.http(check(f"http://{server[1]}/big"))
    assert evidence is Evidence.GOOD
    assert server[0].over.wait(5), "the server saw that we hung up"
    assert server[0].sent[0] < 200 * MOST_BYTES


def test_looks_at_once_do_not_wait_for_each_other(server: tuple[type[Server], str], probe: HttpProbe) -> None:
    checks = [check(f"http://{server[1]}/silent", 0.3)] * 4 + [check(f"http://{server[1]}/status/200")] * 4
    with ThreadPoolExecutor(8) as pool:
        found = [evidence for evidence, _ in pool.map(probe.http, checks)]
    assert found == [Evidence.BAD] * 4 + [Evidence.GOOD] * 4


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "http://", "http://127.0.0.1:99999/", "ftp://127.0.0.1/", "http://[::1/"],
)
def test_an_invalid_url_is_no_evidence(probe: HttpProbe, url: str) -> None:
    assert probe.http(check(url)) == (Evidence.NONE, "the URL is not valid")


def test_a_name_that_does_not_resolve_is_no_evidence(probe: HttpProbe) -> None:
    evidence, words = probe.http(check("http://nowhere.invalid/"))
    assert (evidence, words) == (Evidence.NONE, "the host's name cannot be resolved")


def test_proxies_of_the_environment_are_not_used(
    server: tuple[type[Server], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with closing(HttpProbe({})) as probe:
        assert probe.http(check(f"http://{server[1]}/"))[0] is Evidence.GOOD


def test_no_connection_outlives_its_look(server: tuple[type[Server], str], probe: HttpProbe) -> None:
    """The next container on the same port must not be reached through a connection to the last one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with ThreadPoolExecutor(1) as pool:
            for _ in range(2):
                looking = pool.submit(probe.http, check(url))
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    assert looking.result()[0] is Evidence.GOOD
                    assert connection.recv(1) == b""


# --- variables ------------------------------------------------------------------------------------


def test_variables_come_from_the_environment_or_a_file(
    server: tuple[type[Server], str], tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("from-file\n")
    environ = {
        "ONE": "from-environment",
        "TWO_FILE": str(tmp_path / "token"),
        "PORT": server[1].split(":")[1],
    }
    with closing(HttpProbe(environ)) as probe:
        assert probe.http(check("http://127.0.0.1:${PORT}/${ONE}/${TWO}"))[0] is Evidence.GOOD
    assert server[0].asked == ["/from-environment/from-file"]


@pytest.mark.parametrize("environ", [{}, {"TOKEN_FILE": "/nowhere"}, {"TOKEN_FILE": ""}])
def test_a_variable_that_is_not_set_is_no_evidence(environ: dict[str, str]) -> None:
    evidence, words = HttpProbe(environ).http(check("http://127.0.0.1/${TOKEN}"))
    assert evidence is Evidence.NONE
    assert "TOKEN is not set" in words


@pytest.mark.parametrize(
    "url",
    [
        "http://{address}/to/${{TOKEN}}",
        "http://{address}/status/500?key=${{TOKEN}}",
        "http://${{TOKEN}}/",
        "http://{address}:${{TOKEN}}/",
        "http://${{TOKEN}}@{address}/silent",
        "${{TOKEN}}",
    ],
)
@pytest.mark.parametrize("secret", [SECRET, "plain-secret", "ünïcode", "line\nbreak"])
def test_a_value_never_shows(server: tuple[type[Server], str], url: str, secret: str) -> None:
    with closing(HttpProbe({"TOKEN": secret})) as probe:
        evidence, words = probe.http(check(url.format(address=server[1]), 0.3))
    assert evidence is not Evidence.GOOD
    for form in (secret, quote(secret), quote(secret, safe="")):
        assert form not in words


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate and its key in one file."""
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    openssl = shutil.which("openssl")
    assert openssl, "openssl is missing: run scripts/bed up"
    key = file.with_name("key.pem")
    command = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
    ]
    subprocess.run([*command, "-keyout", key, "-out", file], check=True, capture_output=True)
    file.write_text(file.read_text() + key.read_text())
    return file


def test_a_certificate_that_nobody_vouches_for_is_bad(certificate: Path, probe: HttpProbe) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(context) as (_, address):
        evidence, words = probe.http(check(f"https://{address}/"))
    assert evidence is Evidence.BAD
    assert "certificate" in words.lower()


def test_plain_http_where_tls_is_expected_is_bad(server: tuple[type[Server], str], probe: HttpProbe) -> None:
    assert probe.http(check(f"https://{server[1]}/"))[0] is Evidence.BAD
