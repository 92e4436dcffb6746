"""Which rights over the host a service asks for.

Whoever can change a Compose file in Git could otherwise take the whole host. The words printed here
are what an operator allows on the host itself, never in Git: see ``domain.powers``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

_HOST_MODES = {
    "network_mode": "host-network",
    "pid": "host-pid",
    "ipc": "host-ipc",
    "uts": "host-names",
    "userns_mode": "host-users",
    "cgroup": "host-cgroup",
}
_SYSTEM = tuple(
    map(
        PurePosixPath,
        (
            *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys"),
            *("/usr", "/var/lib/docker", "/var/run", "/var/spool"),
        ),
    )
)
"""What makes the host what it is: whoever writes below it can take the host."""
_SECRET = tuple(map(PurePosixPath, ("/root", "/etc/shadow", "/etc/gshadow", "/etc/ssh", "/etc/sudoers")))
"""What already reading gives too much away of."""
_WHOLE = frozenset({"/", "/home", "/opt", "/srv", "/var", "/var/lib"})
"""Folders that hold other people's data: not to be had as a whole."""
_SOCKETS = ("docker.sock", "containerd.sock", "podman.sock")


def powers(spec: Mapping[str, Any], model: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """The powers that a service asks for, sorted; empty for an ordinary one.

    Args:
        spec: the service in the resolved model.
        model: the whole of it, for the volumes, configs and secrets that the service uses.
    """
    paths = host_paths(spec, model or {})
    given = (power for path, writable in paths for power in _path(path, writable=writable))
    return tuple(sorted({*_flags(spec), *_lists(spec), *given}))


def host_paths(spec: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """The paths of the host that a service gets, and whether it may write there."""
    yield from _mounts(spec)
    yield from _named(spec, model)


def _flags(spec: Mapping[str, Any]) -> Iterator[str]:
    if spec.get("privileged"):
        yield "privileged"
    if spec.get("device_cgroup_rules"):
        yield "device-rules"
    for key, power in _HOST_MODES.items():
        mode = str(spec.get(key) or "")
        if mode == "host":
            yield power
        elif mode.startswith("container:"):
            yield mode  # into a container that is none of this project


def _lists(spec: Mapping[str, Any]) -> Iterator[str]:
    for capability in spec.get("cap_add") or ():
        yield f"capability:{str(capability).upper().removeprefix('CAP_')}"
    for device in spec.get("devices") or ():
        source = device.get("source", "") if isinstance(device, Mapping) else str(device).partition(":")[0]
        yield f"device:{source}"
    for option in spec.get("security_opt") or ():
        name, _, value = str(option).replace("=", ":", 1).partition(":")
        if value in ("unconfined", "disable"):
            yield "unconfined"
        elif name == "seccomp":
            yield "seccomp-profile"
    for source in spec.get("volumes_from") or ():
        if str(source).startswith("container:"):
            yield ":".join(str(source).split(":")[:2])


def _mounts(spec: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    for mount in spec.get("volumes") or ():
        if mount.get("type") == "bind":
            yield str(mount.get("source") or ""), not mount.get("read_only")


def _named(spec: Mapping[str, Any], model: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """What volumes, configs and secrets stand for: a volume can be a bind mount by another name."""
    for mount in spec.get("volumes") or ():
        if mount.get("type") == "volume":
            volume = (model.get("volumes") or {}).get(mount.get("source")) or {}
            device = str((volume.get("driver_opts") or {}).get("device") or "")
            if device.startswith("/"):
                yield device, True
    for kind in ("configs", "secrets"):
        for use in spec.get(kind) or ():
            source = use.get("source") if isinstance(use, Mapping) else use
            file = ((model.get(kind) or {}).get(source) or {}).get("file")
            if file:
                yield str(file), True


def _path(source: str, *, writable: bool) -> Iterator[str]:
    """The power that a path of the host gives; a link counts as what it leads to from here."""
    for path in dict.fromkeys(
        (PurePosixPath(os.path.normpath(source)), PurePosixPath(os.path.realpath(source)))
    ):
        if path.name in _SOCKETS:
            yield "docker-socket"
        elif (
            str(path) in _WHOLE
            or path in _SYSTEM
            or _below(path, _SECRET)
            or (writable and _below(path, _SYSTEM))
        ):
            yield f"host-folder:{path}"


def _below(path: PurePosixPath, folders: Iterable[PurePosixPath]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
