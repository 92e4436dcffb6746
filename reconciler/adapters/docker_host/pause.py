"""Pauses, kept on the engine as volumes without data: nothing but a person who means it removes a volume.

A container would go with the next ``docker container prune``, a network with ``docker system prune``; and
what is kept elsewhere does not hold for everybody who acts on this engine. (Before engine 23, ``docker volume
prune`` takes every volume that no container uses, this one as well.)
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reconciler.adapters.docker_host.connection import Connection
from reconciler.adapters.docker_host.listing import labelled
from reconciler.adapters.docker_host.local_get import GOOD, local_get
from reconciler.adapters.docker_host.translate import translated
from reconciler.domain.brakes import Pause
from reconciler.domain.environment import Environment

PROJECT = "reconcile.pause"
REASON = "reconcile.pause.reason"
BY = "reconcile.pause.by"
SINCE = "reconcile.pause.since"
UNTIL = "reconcile.pause.until"
STOPS = "reconcile.pause.stops"


def name_of(project: str) -> str:
    """The usual name of the volume; no Compose project has a dot in its name."""
    return f"reconcile-pause.{project}"


@dataclass(frozen=True, slots=True)
class EnginePauses:
    """The ``Pauses`` port over one engine.

    Labels of a volume cannot be changed, so a pause is replaced by making the new one beside the old one: at
    no moment, and wherever one is killed, is there none. Of several the latest counts.
    """

    connection: Connection

    def pause(self, environment: Environment) -> Pause | None:
        """See ``ports.Pauses``."""
        return _latest(self._kept(environment))

    def begin(self, environment: Environment, pause: Pause) -> None:
        """See ``ports.Pauses``."""
        earlier = self._kept(environment)
        labels = _labels(environment.project, pause)
        name = name_of(environment.project)
        if name in earlier or not self._made(name, labels):
            self._made(f"{name}.{os.urandom(4).hex()}", labels)
        self._remove(earlier)

    def end(self, environment: Environment) -> Pause | None:
        """See ``ports.Pauses``."""
        kept = self._kept(environment)
        self._remove(kept)
        return _latest(kept)

    def _kept(self, environment: Environment) -> dict[str, Pause]:
        """The pauses of an environment, by the names of their volumes."""
        project = environment.project
        doing, label = f"look for pauses of project {project}", f"{PROJECT}={project}"
        with translated(doing):
            path = f"/volumes?filters={labelled(label)}"
            answer = local_get(self.connection.endpoint, path, self.connection.timeout_seconds)
            if answer is not None and answer.status == GOOD:
                return _pauses(answer.content["Volumes"] or (), project)
        with self.connection.asked(doing) as client:
            return _pauses(client.volumes({"label": [label]})["Volumes"] or (), project)

    def _made(self, name: str, labels: Mapping[str, str]) -> bool:
        """Make a volume; False where there was one of this name, which then stays as it is."""
        with self.connection.asked(f"create volume {name}") as client:
            return bool(client.create_volume(name, labels=labels)["Labels"] == labels)

    def _remove(self, names: Mapping[str, Pause]) -> None:
        from docker.errors import NotFound

        for name in names:
            with self.connection.asked(f"remove volume {name}") as client:
                try:
                    client.remove_volume(name)
                except NotFound:
                    continue  # somebody else ended it


def _latest(pauses: Mapping[str, Pause]) -> Pause | None:
    return max(pauses.values(), key=lambda pause: pause.since, default=None)


def _labels(project: str, pause: Pause) -> dict[str, str]:
    labels = {PROJECT: project, REASON: pause.reason, BY: pause.by, SINCE: _text(pause.since)}
    labels |= {STOPS: ",".join(pause.stops)} if pause.stops else {}
    return labels if pause.until is None else labels | {UNTIL: _text(pause.until)}


def _pauses(volumes: Sequence[Mapping[str, Any]], project: str) -> dict[str, Pause]:
    """Those that are ours by label and by name: what holds data of others is never taken for one."""
    own = name_of(project)
    return {
        volume["Name"]: _pause(volume)
        for volume in volumes
        if volume["Name"] == own or volume["Name"].startswith(f"{own}.")
    }


def _pause(volume: Mapping[str, Any]) -> Pause:
    """A pause, however little can be read of it: one that a person made by hand holds as well."""
    labels = volume["Labels"]
    since = _moment(labels.get(SINCE)) or _moment(volume.get("CreatedAt"))
    return Pause(
        reason=labels.get(REASON, ""),
        by=labels.get(BY, ""),
        since=since or datetime.fromtimestamp(0, UTC),
        until=_moment(labels.get(UNTIL)),
        stops=tuple(name for name in labels.get(STOPS, "").split(",") if name),
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _moment(text: str | None) -> datetime | None:
    """A moment in UTC; None where the text is none."""
    try:
        return datetime.fromisoformat(text or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
