"""The lines that a generated Compose file adds to services, on top of the environment's own files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.domain.desired import Dependency, Service

TEMPLATE = ("container_name: !reset null", 'labels: {reconcile.template: "1"}')
HOOK = "reconcile.hook=1"
"""Marks a one-off container as ours."""


def joined(service: Service, containers: Mapping[str, str]) -> tuple[str, ...]:
    """What Compose makes of a service's joins before it hashes them.

    A join implies a dependency. It is hashed as well (2.26), and a join by id does not imply it.
    """
    namespaces = [join for join in service.joins if join.what != "volumes_from"]
    lines = [f"{join.what}: container:{containers[join.service]}" for join in namespaces]
    volumes = [containers[join.service] for join in service.joins if join.what == "volumes_from"]
    implied = [d for d in service.depends_on if d.service in service.shares]
    lines += ["depends_on:"] if implied else []
    lines += [f"  {d.service}: {_long_form(d)}" for d in implied]
    return (*lines, f"volumes_from: !override [{', '.join(volumes)}]") if volumes else tuple(lines)


def image_line(image: str) -> tuple[str, ...]:
    """The line that gives a service another image; nothing where it keeps its own."""
    return (f"image: {json.dumps(image.replace('$', '$$'))}",) if image else ()


def _long_form(dependency: Dependency) -> str:
    """One entry of ``depends_on``, with everything written out."""
    required, restart = str(dependency.required).lower(), str(dependency.restart).lower()
    return f"{{condition: {dependency.condition}, required: {required}, restart: {restart}}}"


def resolved_variables(spec: Mapping[str, Any]) -> dict[str, list[str]]:
    """Lines that give services the variables that Compose has read for them, instead of their env files.

    ``config --hash`` does not read env files (2.26), and ``up`` hashes what it read from them. The values
    are secrets: they go to Compose through a pipe, never into a file.
    """
    lines: dict[str, list[str]] = {}
    for name, one in (spec.get("services") or {}).items():
        lines[name] = ["env_file: !reset null"]
        if one.get("environment"):
            variables = json.dumps(one["environment"], ensure_ascii=False)
            lines[name].append(f"environment: !override {variables}")
    return lines


def override_text(services: Mapping[str, Sequence[str]]) -> str:
    """A Compose file that adds lines to services. It goes through a pipe: a killed pass leaves no file."""
    lines = ["services:"]
    for name, added in services.items():
        lines += [f"  {name}:", *(f"    {line}" for line in added)]
    return "\n".join(lines) + "\n"
