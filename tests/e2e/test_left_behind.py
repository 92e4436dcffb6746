"""What is left behind (I-7) and secrets that got out (I-8), put on purpose where they do not belong."""

from __future__ import annotations

import base64
import fcntl
import subprocess
from urllib.parse import quote

import pytest

from tests.bed.tools import terminate
from tests.e2e.canaries import places, sung
from tests.e2e.leftovers import leftovers
from tests.e2e.snapshot import Scope, Snapshot, take
from tests.e2e.stage import by_hand
from tests.e2e.world import World


def look(world: World) -> Snapshot:
    from docker import APIClient

    client = APIClient(base_url=world.host, version="auto")
    try:
        return take(client, Scope(world.project, "none", "none"))
    finally:
        client.close()


# -- I-7 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["successor", "predecessor"])
def test_a_container_of_the_switch_is_found(stage: World, ending: str) -> None:
    made = by_hand(stage, "--name", f"{stage.project}-web-1.{ending}")
    try:
        assert leftovers(stage, look(stage)) == [
            f"I-7: left behind: container {stage.project}-web-1.{ending}"
        ]
    finally:
        stage.docker("rm", "--force", made)


def test_a_template_is_found(stage: World) -> None:
    made = by_hand(stage, "--label=reconcile.template=1")
    try:
        assert "I-7: left behind: container" in "".join(leftovers(stage, look(stage)))
    finally:
        stage.docker("rm", "--force", made)


def test_an_endpoint_is_found(stage: World) -> None:
    other = stage.docker("run", "--detach", stage.images.pinned("web:2")).strip()
    try:
        stage.docker("network", "connect", f"{stage.project}_default", other)
        assert "I-7: left behind: endpoint of" in "".join(leftovers(stage, look(stage)))
    finally:
        stage.docker("rm", "--force", other)


@pytest.mark.parametrize(
    "path",
    ["tmp/reconcile-x", "memory/tmpabc", "memory/a.tmp", "repository/.git/index.lock", "repository/app/new"],
)
def test_a_file_is_found(stage: World, path: str) -> None:
    (stage.root / path).touch()
    try:
        assert path.rpartition("/")[2] in "".join(leftovers(stage, look(stage)))
    finally:
        (stage.root / path).unlink()


def test_a_ref_and_a_half_written_object_are_found(stage: World) -> None:
    stage.git("update-ref", "refs/reconcile/proposal", "HEAD")
    (stage.repository / ".git/objects/tmp_obj_x").touch()
    try:
        found = "".join(leftovers(stage, look(stage)))
    finally:
        stage.git("update-ref", "-d", "refs/reconcile/proposal")
        (stage.repository / ".git/objects/tmp_obj_x").unlink()
    assert "ref refs/reconcile/proposal" in found
    assert "tmp_obj_x" in found


def test_a_lock_that_is_held_and_a_process_are_found(stage: World) -> None:
    with (stage.root / "memory" / "x.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        child = subprocess.Popen(["sleep", "60"], env=stage.environ)
        try:
            found = "".join(leftovers(stage, look(stage)))
        finally:
            terminate(child)
    (stage.root / "memory" / "x.lock").unlink()
    assert "lock x.lock" in found
    assert f"process {child.pid}: sleep 60" in found
    assert leftovers(stage, look(stage)) == [], "everything was taken back"


# -- I-8 ------------------------------------------------------------------------------------------


def heard(world: World) -> list[str]:
    return sung(world.canaries, places(world, look(world), (), ()))


@pytest.mark.parametrize("folder", ["memory", "memory/deep", "tmp", "run-00"])
def test_a_secret_in_a_file_is_found(stage: World, folder: str) -> None:
    file = stage.root / folder / "found"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"x{quote(stage.canaries['CANARY_TOKEN'], safe='')}x")
    try:
        assert heard(stage) == [f"I-8: the value of CANARY_TOKEN is in {folder}/found"]
    finally:
        file.unlink()


def test_a_secret_in_gits_objects_is_found(stage: World) -> None:
    coded = base64.b64encode(f"ada:{stage.canaries['CANARY_PASSWORD']}".encode()).decode()
    (stage.root / "blob").write_text(coded)
    blob = stage.git("hash-object", "-w", str(stage.root / "blob"))
    try:
        assert heard(stage) == ["I-8: the value of CANARY_PASSWORD is in objects of .git"]
    finally:
        (stage.repository / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with (stage.repository / ".git/config").open("a") as config:
        config.write(f'[remote "x"]\n  url = https://ada:{stage.canaries["CANARY_TOKEN"]}@example.org\n')
    assert heard(stage) == ["I-8: the value of CANARY_TOKEN is in .git: config"]
    stage.git("config", "--remove-section", "remote.x")


def test_a_secret_in_a_label_is_found(stage: World) -> None:
    made = by_hand(stage, f"--label=note={stage.canaries['CANARY_EMAIL']}", "--name", f"{stage.project}-x")
    try:
        assert heard(stage) == [f"I-8: the value of CANARY_EMAIL is in name and labels of {stage.project}-x"]
    finally:
        stage.docker("rm", "--force", made)
