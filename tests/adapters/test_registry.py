"""The registry adapter: against a real registry, and against one that plays every trick."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from reconciler.adapters.registry import HttpRegistry
from reconciler.adapters.registry.challenge import Challenge, read
from reconciler.adapters.registry.logins import DockerLogins
from reconciler.adapters.registry.place import loopback, place_of
from reconciler.domain.image import ImageRef
from reconciler.errors import PermissionRefused, ReconcileError, Refused, RegistryUnreachable
from tests.bed.engine import required_engine
from tests.bed.fault_proxy import FaultProxy
from tests.bed.registry import Registry, push
from tests.bed.tools import docker
from tests.images.build import build

DIGEST = f"sha256:{'a' * 64}"
SECRET = "correct-horse-battery"


def nobody(_host: str) -> tuple[str, str] | None:
    return None


def everything(error: BaseException) -> str:
    """All that a traceback could show of an error."""
    texts = []
    current: BaseException | None = error
    while current is not None:
        texts.append(f"{current} {current!r} {vars(current)}")
        current = current.__cause__ or current.__context__
    return "\n".join(texts)


# --- a real one -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    required_engine()
    with Registry() as registry:
        yield registry


@pytest.fixture(scope="module")
def digest(registry: Registry) -> str:
    """The digest of web:1 at the registry."""
    tag = f"{registry.address}/web:1"
    build(tag, version="registry test")
    found = push(tag)
    docker("rmi", "--force", tag)
    return found


def test_a_tag_and_a_digest_have_the_same_digest(registry: Registry, digest: str) -> None:
    asked = HttpRegistry(nobody)
    assert asked.digest(ImageRef(f"{registry.address}/web", "1")) == digest
    assert asked.digest(ImageRef(f"{registry.address}/web", "1", digest)) == digest
    assert asked.digest(ImageRef(f"{registry.address}/web", "other", digest)) == digest


def test_what_is_not_there_is_refused(registry: Registry, digest: str) -> None:
    asked = HttpRegistry(nobody)
    for image in (
        ImageRef(f"{registry.address}/web", "2"),
        ImageRef(f"{registry.address}/web"),
        ImageRef(f"{registry.address}/other", "1"),
        ImageRef(f"{registry.address}/web", "1", DIGEST),
    ):
        with pytest.raises(Refused, match="has no image"):
            asked.digest(image)


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [
        ("429", RegistryUnreachable, "429; try again in 7 s"),
        ("401", PermissionRefused, "refuses access"),
        ("500", RegistryUnreachable, "fails with 500"),
    ],
)
def test_faults_have_names(
    registry: Registry, digest: str, mode: str, kind: type[ReconcileError], words: str
) -> None:
    with FaultProxy(registry.address) as proxy:
        proxy.fail(mode)
        with pytest.raises(kind, match=words) as caught:
            HttpRegistry(nobody).digest(ImageRef(f"{proxy.address}/web", "1"))
        assert proxy.address in caught.value.problem
        assert len(proxy.failed) == 1, "no storm of retries"


def test_four_kinds_of_manifest_are_asked_for_one_by_one(registry: Registry, digest: str) -> None:
    with FaultProxy(registry.address) as proxy:
        HttpRegistry(nobody).digest(ImageRef(f"{proxy.address}/web", "1"))
        (asked,) = (request for request in proxy.requests if "/manifests/" in request.path)
    assert asked.method == "HEAD"
    assert asked.head.lower().count(b"\r\naccept: ") == 4


def test_nobody_there(registry: Registry) -> None:
    with Registry() as gone:
        image = ImageRef(f"{gone.address}/web", "1")
    with pytest.raises(RegistryUnreachable, match="cannot be asked"):
        HttpRegistry(nobody).digest(image)


def test_a_name_that_does_not_resolve() -> None:
    with pytest.raises(RegistryUnreachable, match=r"nowhere\.invalid"):
        HttpRegistry(nobody, timeout_seconds=5).digest(ImageRef("nowhere.invalid/web", "1"))


def test_basic_credentials(tmp_path: Path) -> None:
    with Registry(user=("ada", SECRET)) as guarded:
        image = ImageRef(f"{guarded.address}/web", "1")
        for wrong in (nobody, lambda _host: ("ada", f"not-{SECRET}")):
            with pytest.raises(PermissionRefused, match="refuses access") as caught:
                HttpRegistry(wrong).digest(image)
            assert f"docker login {guarded.address}" in caught.value.hint
            assert SECRET not in everything(caught.value)
        with pytest.raises(Refused):
            HttpRegistry(lambda _host: ("ada", SECRET)).digest(image)


# --- one that plays tricks ------------------------------------------------------------------------


class Trickster(BaseHTTPRequestHandler):
    """Answers as the test has it; `seen` is what it was asked, with its Authorization."""

    seen: list[tuple[str, str, str]]
    answers: dict[str, tuple[int, dict[str, str], bytes]]

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        self.seen.append((self.command, self.path + body, self.headers.get("Authorization", "")))
        path = urlsplit(self.path).path
        key = f"{self.command} {path}"
        if f"{key} authorized" in self.answers and self.headers.get("Authorization"):
            key += " authorized"
        status, headers, content = self.answers.get(key, self.answers.get(path, (404, {}, b"")))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_HEAD = do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


@pytest.fixture
def trickster() -> Iterator[tuple[type[Trickster], str]]:
    """The handler to tell what to answer, and the registry's address."""

    class Answers(Trickster):
        seen: list[tuple[str, str, str]] = []  # noqa: RUF012 - one class per test
        answers: dict[str, tuple[int, dict[str, str], bytes]] = {}  # noqa: RUF012

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield Answers, f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()


MANIFEST = "/v2/web/manifests/1"


def bearer(address: str) -> dict[str, str]:
    realm = f'Bearer realm="http://{address}/token",service="the registry",scope="repository:web:pull"'
    return {"WWW-Authenticate": realm}


@pytest.mark.parametrize(
    ("login", "asked_with"),
    [(None, ""), (("ada", SECRET), "Basic " + base64.b64encode(f"ada:{SECRET}".encode()).decode())],
)
def test_a_token_is_fetched_and_used(
    trickster: tuple[type[Trickster], str], login: tuple[str, str] | None, asked_with: str
) -> None:
    answers, address = trickster
    answers.answers = {
        f"HEAD {MANIFEST}": (401, bearer(address), b""),
        "/token": (200, {}, json.dumps({"token": "the-token"}).encode()),
        f"HEAD {MANIFEST} authorized": (200, {"Docker-Content-Digest": DIGEST}, b""),
    }
    assert HttpRegistry(lambda _host: login).digest(ImageRef(f"{address}/web", "1")) == DIGEST
    (_, target, header) = next(one for one in answers.seen if one[1].startswith("/token"))
    assert parse_qs(urlsplit(target).query) == {
        "service": ["the registry"],
        "scope": ["repository:web:pull"],
    }
    assert header == asked_with
    assert answers.seen[-1] == ("HEAD", MANIFEST, "Bearer the-token")


def test_an_identity_token_is_exchanged(trickster: tuple[type[Trickster], str]) -> None:
    answers, address = trickster
    answers.answers = {
        f"HEAD {MANIFEST}": (401, bearer(address), b""),
        "POST /token": (200, {}, json.dumps({"access_token": "the-token"}).encode()),
        f"HEAD {MANIFEST} authorized": (200, {"Docker-Content-Digest": DIGEST}, b""),
    }
    registry = HttpRegistry(lambda _host: ("<token>", SECRET))
    assert registry.digest(ImageRef(f"{address}/web", "1")) == DIGEST
    posted = next(target for method, target, _ in answers.seen if method == "POST")
    assert f"refresh_token={SECRET}" in posted


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ((401, {}, b""), PermissionRefused),
        ((403, {}, b""), PermissionRefused),
        ((429, {"Retry-After": "60"}, b""), RegistryUnreachable),
        ((500, {}, b""), RegistryUnreachable),
        ((200, {}, b"no json"), RegistryUnreachable),
        ((200, {}, b"[]"), RegistryUnreachable),
        ((200, {}, b'{"token": 5}'), RegistryUnreachable),
    ],
)
def test_a_token_service_that_fails(
    trickster: tuple[type[Trickster], str],
    token: tuple[int, dict[str, str], bytes],
    kind: type[ReconcileError],
) -> None:
    answers, address = trickster
    answers.answers = {f"HEAD {MANIFEST}": (401, bearer(address), b""), "/token": token}
    with pytest.raises(kind) as caught:
        HttpRegistry(lambda _host: ("ada", SECRET)).digest(ImageRef(f"{address}/web", "1"))
    assert SECRET not in everything(caught.value)


def test_credentials_do_not_leave_without_tls(trickster: tuple[type[Trickster], str]) -> None:
    answers, address = trickster
    challenge = {"WWW-Authenticate": 'Bearer realm="http://tokens.example.test/token"'}
    answers.answers = {f"HEAD {MANIFEST}": (401, challenge, b"")}
    with pytest.raises(RegistryUnreachable, match="without TLS"):
        HttpRegistry(lambda _host: ("ada", SECRET)).digest(ImageRef(f"{address}/web", "1"))


def test_no_redirect_leads_out_without_tls(trickster: tuple[type[Trickster], str]) -> None:
    answers, address = trickster
    answers.answers = {MANIFEST: (307, {"Location": "http://elsewhere.example.test/manifest"}, b"")}
    with pytest.raises(RegistryUnreachable, match="without TLS"):
        HttpRegistry(nobody).digest(ImageRef(f"{address}/web", "1"))


def test_redirects_end(trickster: tuple[type[Trickster], str]) -> None:
    answers, address = trickster
    answers.answers = {MANIFEST: (307, {"Location": MANIFEST}, b"")}
    with pytest.raises(RegistryUnreachable, match="redirects too often"):
        HttpRegistry(nobody).digest(ImageRef(f"{address}/web", "1"))


def test_a_registry_without_head_is_asked_with_get(trickster: tuple[type[Trickster], str]) -> None:
    answers, address = trickster
    manifest = b'{"schemaVersion": 2}'
    answers.answers = {f"HEAD {MANIFEST}": (405, {}, b""), f"GET {MANIFEST}": (200, {}, manifest)}
    found = HttpRegistry(nobody).digest(ImageRef(f"{address}/web", "1"))
    assert found == f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def test_a_huge_manifest_is_not_read_to_its_end(trickster: tuple[type[Trickster], str]) -> None:
    answers, address = trickster
    answers.answers = {f"HEAD {MANIFEST}": (200, {}, b""), f"GET {MANIFEST}": (200, {}, b"x" * 5_000_000)}
    with pytest.raises(RegistryUnreachable, match="huge manifest"):
        HttpRegistry(nobody).digest(ImageRef(f"{address}/web", "1"))


@pytest.mark.parametrize("named", ["sha256:short", "md5:1", f"sha256:{'b' * 64}"])
def test_a_wrong_digest_is_no_answer(trickster: tuple[type[Trickster], str], named: str) -> None:
    answers, address = trickster
    path = f"/v2/web/manifests/{DIGEST}"
    answers.answers = {path: (200, {"Docker-Content-Digest": named}, b"")}
    with pytest.raises(RegistryUnreachable, match="wrong digest"):
        HttpRegistry(nobody).digest(ImageRef(f"{address}/web", "1", DIGEST))


# --- names and challenges -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "address", "path"),
    [
        ("web", "registry-1.docker.io", "library/web"),
        ("library/web", "registry-1.docker.io", "library/web"),
        ("ada/web", "registry-1.docker.io", "ada/web"),
        ("docker.io/web", "registry-1.docker.io", "library/web"),
        ("docker.io/ada/web", "registry-1.docker.io", "ada/web"),
        ("index.docker.io/library/web", "registry-1.docker.io", "library/web"),
        ("ghcr.io/kompass/backend", "ghcr.io", "kompass/backend"),
        ("localhost/web", "localhost", "web"),
        ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000", "a/b/c"),
    ],
)
def test_images_have_their_place(image: str, address: str, path: str) -> None:
    place = place_of(ImageRef.parse(image))
    assert (place.address, place.path, place.reference) == (address, path, "latest")


@pytest.mark.parametrize(
    ("address", "is_loopback"),
    [
        ("localhost:5000", True),
        ("127.0.0.1", True),
        ("127.9.9.9:1", True),
        ("[::1]:5000", True),
        ("localhost.example.test", False),
        ("128.0.0.1:5000", False),
        ("registry.test", False),
        ("0.0.0.0", False),
    ],
)
def test_loopback(address: str, is_loopback: bool) -> None:
    assert loopback(address) is is_loopback


@pytest.mark.parametrize(
    ("header", "challenge"),
    [
        ("", Challenge("")),
        ('Basic realm="x, y"', Challenge("basic", "x, y")),
        ("Bearer realm=https://t/,service=s", Challenge("bearer", "https://t/", "s")),
        (
            'bearer realm="https://t/", scope="a:b:pull,push"',
            Challenge("bearer", "https://t/", "", "a:b:pull,push"),
        ),
        ("Negotiate abc", Challenge("negotiate")),
    ],
)
def test_challenges(header: str, challenge: Challenge) -> None:
    assert read(header) == challenge


# --- logins ---------------------------------------------------------------------------------------


def logins(folder: Path, config: object) -> DockerLogins:
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return DockerLogins(folder, helper_seconds=1.0)


def auth(user: str, secret: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{secret}".encode()).decode()}


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A credential helper `docker-credential-test`, whose script tests write."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    script = folder / "docker-credential-test"
    script.touch()
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


def test_logins_of_the_configuration(tmp_path: Path) -> None:
    found = logins(
        tmp_path,
        {
            "auths": {
                "https://index.docker.io/v1/": auth("hub", "h:h"),
                "ghcr.io": auth("ada", SECRET),
                "https://old.test/v1/": auth("old", "o"),
                "empty.test": {},
                "token.test": {"identitytoken": "t", **auth("ignored", "i")},
                "plain.test": {"username": "p", "password": "q"},
                "broken.test": {"auth": "%%%"},
            }
        },
    )
    assert found("") == found("docker.io") == ("hub", "h:h")
    assert found("ghcr.io") == ("ada", SECRET)
    assert found("old.test") == ("old", "o")
    assert found("token.test") == ("<token>", "t")
    assert found("plain.test") == ("p", "q")
    assert found("empty.test") is found("broken.test") is found("other.test") is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"auths": []}', '{"auths": {"a.test": 5}}', '{"credHelpers": 1}']
)
def test_a_broken_configuration_has_no_logins(tmp_path: Path, text: str) -> None:
    assert logins(tmp_path, text)("a.test") is None


def test_no_configuration_has_no_logins(tmp_path: Path) -> None:
    assert DockerLogins(tmp_path / "none")("a.test") is None


def test_logins_of_a_helper(tmp_path: Path, helper: Path) -> None:
    helper.write_text(
        '#!/bin/sh\nread -r server\necho "{\\"Username\\": \\"$1\\", \\"Secret\\": \\"$server\\"}"\n'
    )
    one = logins(tmp_path, {"credHelpers": {"a.test": "test"}, "auths": {"b.test": auth("b", "c")}})
    assert one("a.test") == ("get", "a.test")
    assert one("b.test") == ("b", "c")
    every = logins(tmp_path, {"credsStore": "test"})
    assert every("") == ("get", "https://index.docker.io/v1/")


def test_a_helper_that_knows_nothing_leaves_the_rest(tmp_path: Path, helper: Path) -> None:
    helper.write_text("#!/bin/sh\necho credentials not found in native keychain\nexit 1\n")
    config = {"credsStore": "test", "auths": {"b.test": auth("b", "c")}}
    assert logins(tmp_path, config)("b.test") == ("b", "c")
    assert logins(tmp_path, config)("a.test") is None


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (f"#!/bin/sh\necho {SECRET}\necho {SECRET} >&2\nexit 3\n", "exit code 3"),
        (f"#!/bin/sh\necho {SECRET}\n", "something else than JSON"),
        (f"#!/bin/sh\necho {SECRET}\nexec sleep 60\n", "does not answer"),
        ("not a program", "cannot be run"),
    ],
)
def test_a_helper_that_fails(tmp_path: Path, helper: Path, script: str, words: str) -> None:
    helper.write_text(script)
    with pytest.raises(PermissionRefused, match=words) as caught:
        logins(tmp_path, {"credsStore": "test"})("a.test")
    assert "docker-credential-test" in str(caught.value)
    assert "a.test" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["../../bin/sh", "-x", "a b", "absent-helper"])
def test_a_helper_that_is_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(PermissionRefused, match="cannot be run"):
        logins(tmp_path, {"credsStore": name})("a.test")


def test_importing_the_adapters_loads_no_library() -> None:
    """Start-up is part of the interface: the heavy ones are imported with the first request."""
    script = (
        "import sys\n"
        "import reconciler.adapters.docker_host, reconciler.adapters.registry\n"
        "import reconciler.adapters.probe\n"
        "reconciler.adapters.docker_host.DockerHost('unix:///nowhere')\n"
        "reconciler.adapters.registry.HttpRegistry()\n"
        "reconciler.adapters.probe.OutsideProbe()\n"
        "print(sorted({'docker', 'httpx', 'requests', 'urllib3', 'yaml', 'asyncio'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
