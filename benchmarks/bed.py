"""What scripts/bed provides, and the images that are measured with."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.child import run

IDLE = "trap 'exit 0' TERM; sleep 1000000 & wait"
WEB = (
    "mkdir -p /www; echo $VERSION >/www/index.html; trap 'kill $!; exit 0' TERM; "
    "httpd -f -p 8080 -h /www & wait"
)
HEALTH = "/cgi-bin/health"
JUDGED = (
    f"mkdir -p /www/cgi-bin; h=/www{HEALTH}; "
    "echo '#!/bin/sh' >$h; echo \"printf 'HTTP/1.1 ${STATUS:-200} As told\\r\\n\\r\\n$VERSION'\" >>$h; "
    f"chmod +x $h; sleep ${{READY_AFTER:-0}}; {WEB}"
)
"""A web server whose HEALTH has the status $STATUS, and which listens after $READY_AFTER seconds."""
HEALTHCHECK = (
    "HEALTHCHECK --interval=1s --timeout=2s --retries=3 "
    f'CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080{HEALTH}"]'
)


@dataclass(frozen=True, slots=True)
class Image:
    """One pushed image; ``pin`` is its reference with tag and digest."""

    tag: str
    pin: str


def registry() -> str:
    """The bed's registry."""
    if "RECONCILE_BED_REGISTRY" not in os.environ:
        sys.exit('no engine in this shell: run scripts/benchmark, or eval "$(scripts/dev env)" first')
    return os.environ["RECONCILE_BED_REGISTRY"]


def build(repository: str, version: str, script: str, *lines: str) -> Image:
    """Build and push an image that runs ``script`` in busybox's shell, as ``repository:version``.

    ``lines`` are further ones of the Dockerfile.
    """
    tag = f"{registry()}/{repository}:{version}"
    with tempfile.TemporaryDirectory(prefix="reconcile-benchmark-") as folder:
        context = Path(folder)
        shutil.copy(shutil.which("busybox") or "/bin/busybox", context / "busybox")
        (context / "Dockerfile").write_text(
            "FROM scratch\n"
            'COPY busybox /bin/sh\nRUN ["/bin/sh", "-c", "exec -a busybox /bin/sh --install /bin"]\n'
            f"ENV PATH=/bin VERSION={version}\n"
            f"CMD {json.dumps(['/bin/sh', '-c', script])}\n" + "".join(f"{line}\n" for line in lines)
        )
        run("docker", "build", "--quiet", "--tag", tag, folder)
    run("docker", "push", "--quiet", tag)
    digests = json.loads(run("docker", "inspect", "--format", "{{json .RepoDigests}}", tag))
    digest = digests[0].partition("@")[2]
    return Image(tag, f"{tag}@{digest}")


def forget(repositories: list[str]) -> None:
    """Take the images from the host, with the tags that protect what ran before.

    By their names: images that differ in a last line only are parent and child, and an id would not go.
    """
    for repository in repositories:
        place = f"{registry()}/{repository}"
        known = run("docker", "images", "--quiet", "--no-trunc", place).split()
        for identity in dict.fromkeys(known):
            form = "{{json .RepoTags}}\n{{json .RepoDigests}}"
            names = run("docker", "inspect", "--format", form, identity)
            every = [name for line in names.splitlines() for name in json.loads(line)]
            run("docker", "rmi", "--force", *(name for name in every if name.startswith(place)))
