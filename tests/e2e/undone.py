"""I-5: a release that was rolled back on the host is undone in Git by one commit of ours, and no more."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

OF = "Reconcile-Rollback-Of"
PIN = re.compile(rb"^( +image: *[\"']?)([^@\s\"']+@(sha256:[0-9a-f]{64}))")


def undone(
    repository: Path,
    release: str,
    running: Mapping[str, frozenset[str]],
    *,
    pins: str = "state/production/compose.pins.yaml",
    branch: str = "main",
) -> list[str]:
    """What is wrong with how ``release`` was undone; an empty list is good.

    Args:
        repository: where the commit must have arrived: the remote, bare or not.
        release: the commit that was rolled back.
        running: by service, the digests that run now.
        branch: where the undoing commit is; with ``rollback.git: branch`` the one for review.
    """
    between = _git(repository, "rev-list", "--reverse", f"{release}..refs/heads/{branch}").decode().split()
    ours = [commit for commit in between if release in _trailers(repository, commit)]
    if len(ours) != 1:
        return [f"I-5: {len(ours)} commits undo {release[:12]} on {branch}, not one: {ours}"]
    return [
        *_one_file(repository, ours[0], pins),
        *_only_pins(repository, ours[0], pins),
        *_as_it_runs(repository, ours[0], pins, running),
    ]


def pinned(text: bytes) -> dict[str, str]:
    """By service, the digest that a pins file names."""
    found, service = {}, ""
    for line in text.splitlines():
        if match := PIN.match(line):
            found[service] = match[3].decode()
        elif line.startswith(b"  ") and line.rstrip().endswith(b":"):
            service = line.strip().rstrip(b":").decode()
    return found


def _one_file(repository: Path, commit: str, pins: str) -> list[str]:
    raw = _git(repository, "diff-tree", "-r", "-z", "--no-renames", f"{commit}^", commit).decode().split("\0")
    changed = dict(zip(raw[1::2], raw[0::2], strict=False))
    wrong = [f"I-5: the commit also touches {path}" for path in changed if path != pins]
    if pins in changed and changed[pins].split()[0] != f":{changed[pins].split()[1]}":
        wrong.append(f"I-5: the commit changes the mode of {pins}")
    return wrong


def _only_pins(repository: Path, commit: str, pins: str) -> list[str]:
    """Lines that differ, differ in the image alone."""
    before, after = (_git(repository, "show", f"{one}:{pins}") for one in (f"{commit}^", commit))
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if len(old) != len(new):
        return [f"I-5: {pins} had {len(old)} lines and has {len(new)}"]
    return [
        f"I-5: line {number} of {pins} changed in more than its image"
        for number, (left, right) in enumerate(zip(old, new, strict=True), start=1)
        if left != right and _around(left) != _around(right)
    ]


def _around(line: bytes) -> tuple[bytes, bytes] | bytes:
    """What a line holds beside its image; a line without one, whole."""
    match = PIN.match(line)
    return (match[1], line[match.end() :]) if match else line


def _as_it_runs(repository: Path, commit: str, pins: str, running: Mapping[str, frozenset[str]]) -> list[str]:
    return [
        f"I-5: Git pins {service} at {digest}, and {', '.join(running.get(service, ())) or 'nothing'} runs"
        for service, digest in pinned(_git(repository, "show", f"{commit}:{pins}")).items()
        if digest not in running.get(service, frozenset())
    ]


def _trailers(repository: Path, commit: str) -> list[str]:
    form = f"--format=%(trailers:key={OF},valueonly,unfold)"
    return _git(repository, "log", "-1", form, commit).decode().split()


def _git(repository: Path, *arguments: str) -> bytes:
    return subprocess.run(
        ["git", "-C", str(repository), *arguments], capture_output=True, check=True, timeout=60
    ).stdout
