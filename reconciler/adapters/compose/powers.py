"""Which rights over the host a service asks for.

Whoever can change a Compose file in Git could otherwise take the whole host. The words printed here
are what an operator allows on the host itself, never in Git: see ``domain.powers``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

_HOST_MODES = {
    "network_mode": "host-network",
    "pid": "host-pid",
    "ipc": "host-ipc",
    "userns_mode": "host-users",
}
_HOST_FOLDERS = (
    "/",
    "/boot",
    "/dev",
    "/etc",
    "/proc",
    "/root",
    "/run",
    "/sys",
    "/usr",
    "/var",
    "/var/lib/docker",
)
_SOCKETS = ("docker.sock", "containerd.sock", "podman.sock")


def powers(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The powers that a service of the resolved model asks for, sorted; empty for an ordinary one."""
    return tuple(sorted({*_flags(spec), *_lists(spec), *_mounts(spec)}))


def _flags(spec: Mapping[str, Any]) -> Iterable[str]:
    if spec.get("privileged"):
        yield "privileged"
    for key, power in _HOST_MODES.items():
        if spec.get(key) == "host":
            yield power
    if spec.get("cgroup") == "host":
        yield "host-cgroup"
    if spec.get("device_cgroup_rules"):
        yield "device-rules"


def _lists(spec: Mapping[str, Any]) -> Iterable[str]:
    for capability in spec.get("cap_add") or ():
        yield f"capability:{str(capability).upper().removeprefix('CAP_')}"
    for device in spec.get("devices") or ():
        source = device.get("source", "") if isinstance(device, Mapping) else str(device).partition(":")[0]
        yield f"device:{source}"
    for option in spec.get("security_opt") or ():
        if str(option).replace("=", ":").endswith((":unconfined", ":disable")):
            yield "unconfined"


def _mounts(spec: Mapping[str, Any]) -> Iterable[str]:
    for mount in spec.get("volumes") or ():
        if mount.get("type") != "bind":
            continue
        source = PurePosixPath(str(mount.get("source") or ""))
        if source.name in _SOCKETS:
            yield "docker-socket"
        elif str(source) in _HOST_FOLDERS:
            yield f"host-folder:{source}"
