"""A release that its gate rejects is undone in Git by one commit for exactly its pins, and pushed."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.e2e.origin import PINS, settled
from tests.e2e.witness import Witness
from tests.e2e.world import World, await_answer

BOT = "Kompass Bot <bot@kompass.example>"


def test_a_rejected_release_is_undone_by_one_commit_with_its_trailers(world: World) -> None:
    origin = settled(world)
    good, container = world.pins["web"], world.container("web").id
    release = origin.release(web="web:crash")
    with Witness(world, world.url) as witness:
        result = world.once().expect(10)
        witness.expect_undone(origin.bare, release)
    undo = result.environment["undo"]
    (commit,) = origin.undoing(release)
    assert (undo["state"], undo["commit"], undo["detail"]) == ("done", commit, "pushed to main")
    reason = result.environment["judgement"]["reason"]
    (blocked,) = undo["blocked"]
    assert re.fullmatch(rf"web {re.escape(world.pins['web'])} [0-9a-f]{{64}}( [0-9.]+)?", blocked)
    assert origin.git("log", "-1", "--format=%B", commit).splitlines() == [
        'Revert "Release web:crash"',
        "",
        "production: web crash → 1",
        "",
        f"The gate rejected it: {reason}",
        "Only these pins go back.",
        "",
        "Reconcile-Environment: production",
        f"Reconcile-Rollback-Of: {release}",
        f"Reconcile-Blocked: {blocked}",
        f"Reconcile-Reason: {reason}",
        f"Reconcile-Run: {result.environment['run']}",
    ]
    assert origin.tip() == commit == world.git("rev-parse", "HEAD"), "the branch here follows"
    assert origin.pins()["web"] == good
    assert world.container("web").id == container
    assert world.git("status", "--porcelain") == ""
    world.settle()


def test_the_commit_is_by_whom_the_settings_say_and_signed_where_the_repository_says_so(
    world: World,
) -> None:
    origin = settled(world, author=BOT)
    key = world.root / "home" / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, stdin=subprocess.DEVNULL
    )
    trusted = world.root / "home" / "trusted"
    trusted.write_text(f"bot@kompass.example {key.with_suffix('.pub').read_text()}")
    release = origin.release(web="web:crash")
    settings = {"gpg.format": "ssh", "user.signingKey": str(key), "commit.gpgSign": "true"}
    for name, value in settings.items():
        world.git("config", name, value)
    world.once().expect(10)
    commit = origin.expect_undone(release)
    form = "--format=%an <%ae>|%cn <%ce>"
    assert origin.git("log", "-1", form, commit) == f"{BOT}|{BOT}"
    world.git("-c", f"gpg.ssh.allowedSignersFile={trusted}", "verify-commit", commit)


def test_no_secret_of_a_check_gets_into_the_commit(world: World) -> None:
    """The witness searches output, journal, engine and both repositories for it."""
    origin = settled(world)
    secret = {"Authorization": "Bearer ${CANARY_TOKEN}"}
    request = {"url": f"{world.url}/health?key=${{CANARY_PASSWORD}}", "headers": secret, "match": "version"}
    world.settings["gate"]["checks"] = {"front": {"http": request}}
    release = origin.release(web="web:broken")
    with Witness(world, world.url) as witness:
        result = world.once().expect(10)
        witness.expect_undone(origin.bare, release)
    assert result.environment["undo"]["reason"].startswith("check front: 500")


ODD = """\
# What runs. Ask Ada.
services:
  web:
    image: "{web}"   # bumped by a robot
  worker:
    image: '{worker}'
"""


def test_of_a_commit_with_other_changes_only_the_pins_go_back(world: World) -> None:
    """Other files, and the pins of another environment; whatever the file looks like."""
    origin = settled(world)
    one, crash = world.pins["web"], world.images.pinned("web:crash")
    world.pins_file.write_text(ODD.format(web=one, worker=one))
    world.git("commit", "--all", "--quiet", "-m", "Write it as we like it")
    world.reconcile("--once").expect(0)
    staging = world.state / "staging" / "compose.pins.yaml"
    staging.parent.mkdir()
    staging.write_text(f"services:\n  web:\n    image: {crash}\n")
    (world.repository / "README.md").write_text("Version 2 is out\n")
    world.pins_file.write_text(ODD.format(web=crash, worker=one))
    world.git("add", "--all")
    world.git("commit", "--quiet", "-m", "Release everything at once")
    world.git("push", "--quiet", "origin", "main")
    release = origin.tip()
    world.once().expect(10)
    commit = origin.expect_undone(release)
    assert origin.changed(commit) == [
        f'-    image: "{crash}"   # bumped by a robot',
        f'+    image: "{one}"   # bumped by a robot',
    ]
    assert origin.text("main", "README.md") == "Version 2 is out\n"
    assert crash in origin.text("main", "state/staging/compose.pins.yaml")


@pytest.mark.long
def test_all_services_of_a_release_go_back_and_one_that_was_released_again_stays(world: World) -> None:
    """Somebody pins one of two a second time before the first release is judged."""
    origin = settled(world)
    release = origin.release(web="web:crash", worker="web:2")
    origin.colleague({PINS: origin.moved(worker="web:3")}, "Release the worker again")
    undo = world.once().expect(10).environment["undo"]
    assert undo["state"] == "done"
    assert "the pin of worker was moved meanwhile, and stays" in undo["detail"]
    (commit,) = origin.undoing(release)
    assert len(origin.changed(commit)) == 2
    assert origin.tags("web", "worker") == ["1", "3"]
    assert world.images_of("web", "worker") == ["1", "1"]
    assert world.once().expect(0).environment["result"] == "converged"
    assert world.images_of("web", "worker") == ["1", "3"]
    assert len(origin.undoing(release)) == 1


@pytest.mark.long
def test_both_services_of_a_rejected_release_go_back_in_one_commit(world: World) -> None:
    origin = settled(world)
    release = origin.release(web="web:crash", worker="web:2")
    world.once().expect(10)
    commit = origin.expect_undone(release)
    assert len(origin.changed(commit)) == 4
    blocked = origin.git("log", "-1", "--format=%(trailers:key=Reconcile-Blocked)", commit).splitlines()
    assert sorted(line.split()[1] for line in blocked if line) == ["web", "worker"]
    world.settle()


def test_a_revert_of_the_revert_stays_blocked_until_a_person_says_otherwise(world: World) -> None:
    origin = settled(world)
    first = origin.release(web="web:crash")
    world.once().expect(10)
    world.revert()
    world.git("push", "--quiet", "origin", "main")
    again, before = origin.tip(), world.marks()
    result = world.once().expect(0)
    assert result.service("web")["change"] == "blocked"
    assert result.environment["result"] == "no-op"
    world.reconcile("--once", "--strict").expect(12)
    assert origin.tip() == again, "nothing was tried, so nothing is undone"
    assert world.marks() == before
    world.reconcile("unblock", "production", "web").expect(0)
    world.once().expect(10)
    assert origin.expect_undone(again)
    assert len(origin.undoing(first)) == 1
    origin.release(web="web:2")
    world.once().expect(0)
    await_answer(world.url, "version=2")
