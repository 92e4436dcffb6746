r"""Build the controllable web server, offline, from busybox and two shell scripts.

It answers:

    /  /health  /_up       `version=…`
    /version  /header      JSON `{"version": "…", "items": [1, 2, 3]}`; the header `X-Version: …`
    /write?key=value       appends to `/data/log`, which `/read` returns
    POST /api/v1/auth/login, then /api/v1/customers
                           JSON with `email` and `password` gives `{"access_token": "…"}`, which the list of
                           customers wants as `Authorization: Bearer …`; else 401
    POST /login, then /home
                           the same as a form, with a cookie `session=…` and a redirect

`curl -fsS URL` works inside of it, for a HEALTHCHECK.

Switches, baked into the image here or set in a Compose file:

    VERSION        what it calls itself
    PORT           where it listens (8080)
    STATUS         the HTTP status of /health (200)
    HEALTH_AFTER   /health answers 503 for so many seconds
    STATUS_AFTER, STATUS_LATER
                   after so many seconds the status of /health is another one (500)
    DELAY_MS       / and /health answer after so many milliseconds
    ERROR_RATE     so many percent of the answers of / and /health are 500: with 25, each fourth
    LOGIN          `broken`: signing in answers 500
    LOGIN_EMAIL, LOGIN_PASSWORD
                   who may sign in (`probe@example.org` with `right`)
    LOG_START      text for standard error, written once, with `\n` between lines
    LOG_EVERY, LOG_LINE
                   every so many seconds this line on standard error, with a time, a number and a random id
    LEAK_KB_PER_S  process memory grows by so much per second
    EAT_MB         so much memory is taken at once, or after `EAT_AFTER` seconds; too much ends process 1
    CRASH          exit with this code at once
    DIE_AFTER      exit with code 1 after so many seconds
    IGNORE_TERM    anything: SIGTERM is ignored

By hand: `python tests/images/build.py 127.0.0.1:5000/web:3 --version 3 STATUS=500`.
"""

import argparse
import os
import re
import shutil
import tempfile
from pathlib import Path

from tests.bed.tools import docker, tool

SOURCE = Path(__file__).with_name("web")
APPLETS = (
    *("sh", "nc", "cat", "sleep", "wget", "kill", "ls", "env", "true", "false", "touch", "dd", "df"),
    *("usleep", "head", "date", "sed"),
)
SWITCHES = {
    *("PORT", "STATUS", "HEALTH_AFTER", "STATUS_AFTER", "STATUS_LATER", "DELAY_MS", "ERROR_RATE"),
    *("LOGIN", "LOGIN_EMAIL", "LOGIN_PASSWORD", "LOG_START", "LOG_EVERY", "LOG_LINE"),
    *("LEAK_KB_PER_S", "EAT_MB", "EAT_AFTER", "CRASH", "DIE_AFTER", "IGNORE_TERM"),
}
VARIANTS = {
    "web": "",
    "volume": "VOLUME /data\n",
    "health": (
        "HEALTHCHECK --interval=1s --timeout=2s --retries=3 "
        'CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/health"]\n'
    ),
}


def build(tag: str, *, variant: str = "web", version: str = "1", **switches: str) -> None:
    """Build `tag`: `variant` is web, volume (VOLUME /data) or health (HEALTHCHECK every second)."""
    if unknown := switches.keys() - SWITCHES:
        raise ValueError(f"no such switches: {', '.join(sorted(unknown))}; there are {sorted(SWITCHES)}")
    baked = " ".join(f"{name}={quoted(value)}" for name, value in {"VERSION": version, **switches}.items())
    with tempfile.TemporaryDirectory(prefix="reconcile-image-") as folder:
        write_context(Path(folder), f"ENV {baked}\n{VARIANTS[variant]}")
        docker("build", "--quiet", "--tag", tag, folder)


def quoted(value: str) -> str:
    """A value as a Dockerfile takes it: nothing in it is a variable."""
    return '"' + re.sub(r'(["$\\])', r"\\\1", value) + '"'


def write_context(context: Path, last_lines: str) -> None:
    root = context / "root"
    for name in ("bin", "web", "data", "tmp"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    (root / "data").chmod(0o777)
    shutil.copy(tool("busybox"), root / "bin/busybox")
    for applet in APPLETS:
        (root / "bin" / applet).symlink_to("busybox")
    for script in ("serve", "answer"):
        shutil.copy(SOURCE / script, root / "web" / script)
    shutil.copy(SOURCE / "curl", root / "bin" / "curl")
    # The steps of one worker are no cache of another's: who removes an image removes its parents too, and the
    # legacy builder that has just found one there fails.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    dockerfile = (SOURCE / "Dockerfile").read_text().replace("COPY", f"LABEL builder={worker}\nCOPY", 1)
    (context / "Dockerfile").write_text(dockerfile + last_lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the controllable web server")
    parser.add_argument("tag")
    parser.add_argument("--variant", choices=VARIANTS, default="web")
    parser.add_argument("--version", default="1")
    parser.add_argument("switches", nargs="*", metavar="NAME=VALUE")
    given = parser.parse_intermixed_args()
    switches = dict(switch.split("=", 1) for switch in given.switches)
    build(given.tag, variant=given.variant, version=given.version, **switches)


if __name__ == "__main__":
    main()
