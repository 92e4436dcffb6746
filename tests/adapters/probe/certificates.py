"""Certificates made with openssl for a test."""

from __future__ import annotations

import ssl
from pathlib import Path

from tests.bed.tools import run, tool


def self_signed(folder: Path, name: str, *, days: int = 2) -> tuple[Path, ssl.SSLContext]:
    """A certificate for `name` (an `openssl` subjectAltName), and a server's context that presents it."""
    file, key = folder / "certificate.pem", folder / "key.pem"
    command = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days), "-subj", "/CN=probe.test")
    run(tool("openssl"), *command, "-addext", f"subjectAltName={name}", "-keyout", key, "-out", file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return file, context
