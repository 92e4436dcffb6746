"""TLS, with certificates that nobody vouches for but a file."""

from __future__ import annotations

import os
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconciler.adapters.probe import OutsideProbe
from reconciler.adapters.probe.tls import Contexts
from reconciler.domain.check import Http, Request, Tls
from reconciler.domain.comparison import Seen
from reconciler.domain.gate import Evidence
from tests.adapters.probe.certificates import self_signed
from tests.adapters.probe.server import Odd, odd, raw

Certificate = tuple[Path, ssl.SSLContext]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("tls"), "IP:127.0.0.1")


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("foreign"), "DNS:elsewhere.test")


def ask(certificate: Certificate, tls: Tls) -> Seen:
    with odd(certificate[1]) as (_, address):
        return OutsideProbe({}).ask(Http(Request(f"https://{address}/"), tls=tls), 5)


def test_a_certificate_that_nobody_vouches_for_is_bad(certificate: Certificate) -> None:
    seen = ask(certificate, Tls())
    assert (seen.evidence, seen.detail) == (
        Evidence.BAD,
        "the certificate is not trusted: self-signed certificate",
    )


def test_one_that_a_file_vouches_for_is_good(certificate: Certificate) -> None:
    assert ask(certificate, Tls(authority=str(certificate[0]))).evidence is Evidence.GOOD


def test_one_for_another_host_is_bad_and_the_host_is_not_shown(foreign: Certificate) -> None:
    seen = ask(foreign, Tls(authority=str(foreign[0])))
    assert (seen.evidence, seen.detail) == (
        Evidence.BAD,
        "the certificate is not trusted: it is for another host",
    )


def test_nothing_is_checked_where_nothing_is_to_be_checked(foreign: Certificate) -> None:
    assert ask(foreign, Tls(verify=False)).evidence is Evidence.GOOD


def test_a_file_that_cannot_be_used_is_no_evidence(certificate: Certificate, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    for name, words in (
        ("missing", f"the file of certificates {tmp_path}/missing cannot be read"),
        ("empty", f"{tmp_path}/empty holds no certificate that can be used"),
    ):
        seen = ask(certificate, Tls(authority=str(tmp_path / name)))
        assert (seen.evidence, seen.detail) == (Evidence.NONE, words)


def test_a_file_that_was_replaced_is_read_again(
    certificate: Certificate, foreign: Certificate, tmp_path: Path
) -> None:
    authority, probe = tmp_path / "ca.pem", OutsideProbe({})
    with odd(certificate[1]) as (_, address):
        question = Http(Request(f"https://{address}/"), tls=Tls(authority=str(authority)))
        found = []
        for file, at in ((foreign[0], 1), (certificate[0], 2)):
            authority.write_bytes(file.read_bytes())
            os.utime(authority, (at, at))
            found.append(probe.ask(question, 5).evidence)
    assert found == [Evidence.BAD, Evidence.GOOD]


def test_the_system_s_certificates_are_read_once() -> None:
    contexts = Contexts()
    with ThreadPoolExecutor(8) as pool:
        assert len({id(one) for one in pool.map(lambda _: contexts.of(Tls()), range(8))}) == 1


def test_plain_http_where_tls_is_expected_is_bad(server: tuple[type[Odd], str]) -> None:
    seen = OutsideProbe({}).ask(Http(Request(f"https://{server[1]}/")), 5)
    assert seen.evidence is Evidence.BAD
    assert seen.detail.startswith("no TLS connection: ")


def test_a_handshake_that_is_cut_off_is_unready() -> None:
    def cut(connection: socket.socket) -> None:
        connection.recv(65536)

    with raw(cut) as address:
        seen = OutsideProbe({}).ask(Http(Request(f"https://{address}/")), 5)
    assert (seen.evidence, seen.detail) == (Evidence.UNREADY, "the TLS handshake was cut off")


def test_a_handshake_that_never_ends_has_the_limit() -> None:
    def silent(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with raw(silent) as address:
        seen = OutsideProbe({}).ask(Http(Request(f"https://{address}/")), 0.3)
    assert (seen.evidence, seen.detail) == (Evidence.UNREADY, "no whole answer within 0.3 s")


@pytest.mark.parametrize("path", ["drip", "drip-body", "silent"])
def test_the_limit_is_for_what_drips_through_tls_too(certificate: Certificate, path: str) -> None:
    with odd(certificate[1]) as (_, address):
        question = Http(Request(f"https://{address}/{path}"), tls=Tls(verify=False))
        seen = OutsideProbe({}).ask(question, 0.3)
    assert (seen.evidence, seen.detail) == (Evidence.UNREADY, "no whole answer within 0.3 s")
