"""Build the controllable web server, offline, from busybox and two shell scripts.

It listens on port 8080 (`PORT`). `/` and `/health` answer `version=…`; `/write?key=value` appends to
`/data/log` and `/read` returns it. Switches, baked into the image here or set in a Compose file:

    VERSION        what it calls itself
    STATUS         the HTTP status of /health (200)
    HEALTH_AFTER   /health answers 503 for so many seconds
    CRASH          exit with this code at once
    DIE_AFTER      exit with code 1 after so many seconds
    IGNORE_TERM    anything: SIGTERM is ignored

By hand: `python tests/images/build.py 127.0.0.1:5000/web:3 --version 3 STATUS=500`.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from tests.bed.tools import docker, tool

SOURCE = Path(__file__).with_name("web")
APPLETS = ("sh", "nc", "cat", "sleep", "wget", "kill", "ls", "env", "true", "false", "touch", "dd", "df")
SWITCHES = {"STATUS", "HEALTH_AFTER", "CRASH", "DIE_AFTER", "IGNORE_TERM"}
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
    arguments = {"VERSION": version, **switches}
    with tempfile.TemporaryDirectory(prefix="reconcile-image-") as folder:
        context = Path(folder)
        write_context(context, VARIANTS[variant])
        flags = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        docker("build", "--quiet", "--tag", tag, *flags, folder)


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
    (context / "Dockerfile").write_text((SOURCE / "Dockerfile").read_text() + last_lines)


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
