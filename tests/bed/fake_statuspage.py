"""The part of Statuspage's API that channels use (developer.statuspage.io).

- ``Authorization: OAuth KEY``; 401 without.
- The text of an incident is ``body``: "The initial message, created as the first incident update".
- ``metadata`` is an object of objects, and comes back.
- ``component_ids`` of other pages are refused with 422. Too many requests: 420 or 429.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.bed.providers import Asked, Said

KEY = "89a229ce1a8dbcf9ff30430fbe35eb4c"
PAGE = "kctbh9vrtdwd"
COMPONENTS = ("ftgks51sfs2d", "g4tvl2xkv1z9")
_STATUSES = ("investigating", "identified", "monitoring", "resolved")


@dataclass
class FakeStatuspage:
    """One page with two components."""

    incidents: list[dict[str, Any]] = field(default_factory=list)
    components: dict[str, str] = field(default_factory=lambda: dict.fromkeys(COMPONENTS, "operational"))
    updates: list[str] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != f"OAuth {KEY}":
            return Said(401, {"error": "Could not authenticate"})
        path = asked.path.removeprefix(f"/v1/pages/{PAGE}/incidents")
        if path == asked.path:
            return Said(404, {"error": "Not found"})
        match asked.method, path:
            case "GET", "/unresolved":
                return Said(200, [one for one in self.incidents[::-1] if one["status"] != "resolved"])
            case "POST", "":
                return self._change({}, asked.json["incident"])
            case _:
                return self._one(asked, path)

    def _one(self, asked: Asked, path: str) -> Said:
        incident = next((one for one in self.incidents if f"/{one['id']}" == path), None)
        if incident is None:
            return Said(404, {"error": "Not found"})
        return (
            Said(200, incident) if asked.method == "GET" else self._change(incident, asked.json["incident"])
        )

    def _change(self, incident: dict[str, Any], wanted: dict[str, Any]) -> Said:
        unknown = set(wanted.get("component_ids", ())) | set(wanted.get("components", ())) - set(COMPONENTS)
        if unknown - set(COMPONENTS):
            return Said(422, {"error": ["Component ids are invalid"]})
        name = wanted.get("name", incident.get("name"))
        if wanted["status"] not in _STATUSES or not name or len(name) > 255:
            return Said(422, {"error": ["Name can't be blank"]})
        if not all(isinstance(value, dict) for value in wanted.get("metadata", {}).values()):
            return Said(422, {"error": ["Metadata is invalid"]})
        new = not incident
        if new:
            incident["id"] = f"p31zjtct2j{len(self.incidents)}"
            self.incidents.append(incident)
        incident |= wanted
        self.components |= wanted.get("components", {})
        self.updates.append(wanted["body"])
        return Said(201 if new else 200, incident)
