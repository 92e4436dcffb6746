"""What the engine said of containers that a killed pass of version 1 left, in `containers-1.json`.

Names, states and Compose's labels are all that a later version has to go by, should the journal be lost. The
file was written once, on a real engine, by `python -m tests.golden.containers_1`.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from reconciler.adapters.docker_host import DockerHost
from reconciler.adapters.docker_host.listing import listed
from tests.bed.registry import Registry
from tests.e2e.images import Images
from tests.e2e.world import PROJECT_LABEL, World

FILE = Path(__file__).with_name("containers-1.json")
KILLED_AT = {
    "created": "step.create:after",
    "half renamed": "engine.rename:after",
    "stopped": "engine.stop:after",
    "never judged": "step.gate:before",
    "judged": "step.gate:after",
    "half undone": "step.restore:before",
    "undone": "step.restore:after",
}
REJECTED = ("half undone", "undone")
STACK = "services: {web: {image: web, stop_grace_period: 1s}}"


def capture(images: Images, failpoint: str, version: str) -> list[dict[str, Any]]:
    """The engine's list after a pass from version 1 on that was killed there."""
    with tempfile.TemporaryDirectory() as folder, World(Path(folder), images) as world:
        world.stack(STACK, web="web:1")
        world.once().expect(0)
        world.release(web=version)
        world.once(environ={"RECONCILE_FAILPOINT": failpoint}).expect(-9)
        engine = DockerHost(world.host)
        entries = listed(engine.endpoint, f"{PROJECT_LABEL}={world.project}", 10.0)
        assert entries, "the engine is asked without the SDK"
        text = json.dumps([dict(entry) for entry in entries])
        for here, there in {
            world.project: "shop",
            folder: "/opt/shop",
            f"{images.registry.address}/": "registry/",
        }.items():
            text = text.replace(here, there)
        found: list[dict[str, Any]] = json.loads(text)
        return sorted(found, key=lambda entry: entry["Names"])


if __name__ == "__main__":
    assert not FILE.exists(), "it is never written again"
    with Registry() as registry:
        catalogue = Images(registry)
        moments = {
            name: capture(catalogue, failpoint, "web:crash" if name in REJECTED else "web:2")
            for name, failpoint in KILLED_AT.items()
        }
        catalogue.close()
    FILE.write_text(json.dumps(moments, indent=1) + "\n")
