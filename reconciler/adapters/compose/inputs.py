"""Which files a Compose model depends on, so that an unchanged model need not be resolved again.

Only asks "may anything have changed?", and errs towards yes: where a reference cannot be followed
with certainty (a variable in a path, a remote include) there is no stamp, and Compose is asked each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_LOADER):  # type: ignore[misc, valid-type]  # a loader is configured by subclassing; no other way
    """Compose's own tags (``!reset``, ``!override``) mean nothing here."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Files that others refer to; ``certain`` is false where some could not be named.

    ``env_files`` says whether services may have an ``env_file``; ``nested`` whether Compose files bring in
    others, which bring files of their own that Compose finds without being told (``.env``).
    """

    files: tuple[Path, ...]
    certain: bool
    env_files: bool = False
    nested: bool = False

    def stamp(self, files: Sequence[Path], directory: Path, environ: Mapping[str, str]) -> object | None:
        """Signatures of all files and the variables, or None where they do not tell everything.

        Nested Compose files have a ``.env`` of their own beside them, which nobody names.
        """
        if not self.certain or self.nested:
            return None
        everything = (*files, *self.files, directory / ".env")
        return (tuple(map(signature, everything)), tuple(sorted(environ.items())))


def signature(file: Path) -> tuple[int, int, int]:
    """Modification time in nanoseconds, size and inode of a file; zeros where there is none."""
    try:
        status = file.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def inputs_of(files: Sequence[Path], directory: Path) -> Inputs:
    """Follow the references of Compose files, transitively."""
    found: dict[Path, None] = {}
    certain, env_files, nested = True, False, False
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        references = _references(file, directory)
        if references is None:
            certain = False
            continue
        for path, is_compose in references:
            env_files |= not is_compose
            nested |= is_compose
            if "$" in str(path) or "://" in str(path) or str(path).startswith("oci:"):
                certain = False
            elif path not in found and path not in files:
                found[path] = None
                if is_compose:
                    waiting.append(path)
    return Inputs(tuple(sorted(found)), certain, env_files or not certain, nested)


def _references(file: Path, directory: Path) -> list[tuple[Path, bool]] | None:
    """(path, whether it is a Compose file) for every file that this one names; None if unreadable."""
    try:
        document = yaml.load(file.read_bytes(), _Loader)  # noqa: S506  # a safe loader, see above
    except (OSError, yaml.YAMLError, ValueError, RecursionError):
        return None
    if not isinstance(document, Mapping):
        return None
    found = [(file.parent / name, True) for name in _paths(document.get("include"), "path")]
    for service in _mappings(document.get("services")):
        found += [(directory / name, False) for name in _paths(service.get("env_file"), "path")]
        found += [(directory / name, False) for name in _paths(service.get("label_file"), "path")]
        extends = service.get("extends")
        if isinstance(extends, Mapping) and extends.get("file"):
            found.append((file.parent / str(extends["file"]), True))
    return found


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    """The mappings among a mapping's values."""
    if isinstance(value, Mapping):
        yield from (one for one in value.values() if isinstance(one, Mapping))


def _paths(value: Any, key: str) -> Iterator[str]:
    """Paths written as one string, a list of strings, or mappings that hold them under ``key``."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Mapping):
            yield from _paths(one.get(key), key)
            yield from _paths(one.get("env_file"), key)
        elif isinstance(one, str):
            yield one
