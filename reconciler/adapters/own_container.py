"""Which container this program runs in, so that it does not stop itself half way through a release.

Docker mounts three files of its own into every container, from a folder that is called by the container's id.
That holds for both versions of cgroups, every network mode and every name that the container was given.
"""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
# Id, parent, device, root, mount point: https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
_OWN = re.compile(
    r"^(?:\S+ ){3}\S*/containers/([0-9a-f]{64})/(hostname|hosts|resolv\.conf) /etc/\2 ", re.MULTILINE
)


def own_container(mounts: Path = MOUNTS) -> str:
    """The full id of our container; empty where we run in none of Docker's."""
    found = _OWN.search(mounts.read_text(encoding="utf-8", errors="replace"))
    return found[1] if found else ""
