"""The witness on a real engine: a good release passes, and each thing that is done on purpose is found."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.bed.parameters import long_but
from tests.e2e.stage import STACK, by_hand
from tests.e2e.witness import Witness
from tests.e2e.world import World, await_answer, published


class Told:
    """What a witness says in the end."""

    def __init__(self, witness: Witness) -> None:
        self.witness = witness
        self.text = ""

    def holds(self, *patterns: str) -> None:
        missing = [pattern for pattern in patterns if not re.search(pattern, self.text)]
        assert not missing, self.text or "nothing was found"


@contextmanager
def caught(
    world: World, *, url: str = "", never_without: tuple[str, ...] = (), again: bool | None = None
) -> Iterator[Told]:
    """A witness that finds something; what, is to be looked at afterwards."""
    told = Told(Witness(world, url, never_without=never_without, again=again))
    try:
        with told.witness:
            yield told
    except AssertionError as error:
        told.text = str(error)


# -- what is good ---------------------------------------------------------------------------------


def test_a_release_a_rejected_one_and_a_rollback_pass(world: World) -> None:
    port, url = published()
    world.stack(STACK.format(port=port), web="web:1", worker="web:1")
    with Witness(world) as witness:
        world.once().expect(0)
    assert [claim.good for claim in witness.claims()] == [True, True], "the second pass is its own"
    await_answer(url, "version=1")
    with Witness(world, url) as witness:
        release = world.release(web="web:2")
        world.once().expect(0)
    assert witness.versions == ("version=1", "version=2")
    assert 0 < witness.gap_seconds < 10
    with Witness(world, url) as witness:
        world.reconcile("rollback", "production").expect(0)
        witness.expect_undone(world.repository, release)
    with Witness(world, url):
        world.release(web="web:crash")
        world.once().expect(10)


def test_it_leaves_nothing_behind_itself(stage: World) -> None:
    with Witness(stage) as witness:
        made = witness.bystanders
        names = (*made.containers, *made.networks, *made.volumes)
        assert len(names) == 6
    for name in names:
        assert subprocess.run(["docker", "inspect", name], capture_output=True, check=False).returncode == 1


# -- I-1, I-2 -------------------------------------------------------------------------------------


def test_a_service_that_stays_down_is_found(stage: World) -> None:
    web = stage.container("web").name
    with caught(stage, url=stage.url) as told:
        stage.docker("stop", web)
    stage.docker("start", web)
    await_answer(stage.url, "version=1")
    told.holds("I-1: http.* answered when it began", "I-1: web was healthy")
    told.holds(f"container die {web}", "longest gap")


def test_a_moment_without_an_instance_is_found(stage: World) -> None:
    with caught(stage, never_without=("worker",)) as told:
        stage.docker("restart", stage.container("worker").name)
    told.holds("I-1: no instance of worker ran after container die")


def test_a_second_generation_is_found(stage: World) -> None:
    made = ""
    try:
        with caught(stage) as told:
            made = by_hand(stage)
    finally:
        stage.docker("rm", "--force", made)
    told.holds("I-2: two generations of web-1 ran at once", "I-2: 2 generations of web run")


def test_an_answer_that_goes_to_and_fro_is_found(stage: World) -> None:
    with caught(stage, url=stage.url) as told:
        assert told.witness.prober is not None
        told.witness.prober.samples.append((0, "version=2"))
    told.holds("I-2: the answer changed 2 times with 0 starts: version=1 → version=2 → version=1")


# -- I-3 ------------------------------------------------------------------------------------------

HARM = {
    "stopped": "kill {container}",
    "renamed": "rename {idle} gone-{idle}",
    "started": "start {idle}",
    "updated": "update --restart=always {idle}",
    "removed": "rm {idle}",
    "network": "network rm {network}",
    "volume": "volume rm {volume}",
    "disconnected": "network disconnect {used} {container}",
}


@pytest.mark.parametrize("harm", long_but("stopped", "network", among=HARM))
def test_what_is_done_to_a_bystander_is_found(stage: World, harm: str) -> None:
    with caught(stage) as told:
        do(told.witness, HARM[harm])
    told.holds("I-3: foreign .* was .* and is", "I-3: .* of a bystander")


def test_a_bystander_that_was_touched_and_put_back_is_found(stage: World) -> None:
    with caught(stage) as told:
        do(told.witness, "pause {container}")
        do(told.witness, "unpause {container}")
    told.holds("I-3: container pause .* of a bystander")


def test_what_a_bystander_runs_must_keep_its_name(stage: World) -> None:
    """An image of its own, which then loses its only name."""
    name = f"{stage.images.registry.address}/web:used"
    stage.docker("tag", stage.images.pinned("web:1"), name)
    with caught(stage) as told:
        stage.docker("rmi", name)
    told.holds("I-3: an image in use lost .*/web:used")


def do(witness: Witness, command: str) -> None:
    company = witness.bystanders
    container, idle = company.containers
    used, network = company.networks
    named = {"container": container, "idle": idle, "used": used, "network": network}
    witness.world.docker(*command.format(volume=company.volumes[1], **named).split())


# -- I-4, I-6 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("-o", "json", "--once"), id="json"),
        pytest.param(("--once",), marks=pytest.mark.long, id="text"),
    ],
)
def test_a_success_that_is_none_is_found(stage: World, arguments: tuple[str, ...]) -> None:
    with caught(stage, again=False) as told:
        stage.reconcile(*arguments).expect(0)
        stage.docker("stop", stage.container("worker").name)
    stage.docker("start", stage.container("worker").name)
    told.holds("I-4: the report says .*, and worker runs nothing")


def test_an_undone_release_that_leaves_something_else_is_found(stage: World) -> None:
    with caught(stage) as told:
        stage.release(web="web:crash")
        stage.once().expect(10)
        stage.docker("rm", "--force", stage.container("worker").name)
    stage.revert()
    stage.once().expect(0)
    told.holds("I-4: the report says rolled-back, and worker does not run what it ran before")


def test_a_pass_that_finds_something_to_do_again_is_found(stage: World) -> None:
    with caught(stage) as told:
        stage.once().expect(0)
        stage.docker("stop", stage.container("worker").name)
    assert stage.container("worker").status == "running"
    told.holds("I-6: one more pass did: container start", "I-6: one more pass left other containers")


# -- I-7, I-8 ---------------------------------------------------------------------------------------


def test_an_anonymous_volume_is_found(stage: World) -> None:
    """Removed without its volume, in the time between two looks."""
    with caught(stage) as told:
        stage.docker("rm", "--force", by_hand(stage, "--volume", "/data"))
    told.holds("I-7: left behind: volume [0-9a-f]{64}")
    stage.docker("volume", "rm", told.text.partition("behind: volume ")[2].split()[0])


def test_a_secret_in_an_argument_is_found(stage: World) -> None:
    """It also comes back in the message."""
    with caught(stage) as told:
        stage.reconcile("-e", stage.canaries["CANARY_TOKEN"], "--once").expect(64)
    told.holds("I-8: the value of CANARY_TOKEN is in command line of", "CANARY_TOKEN is in run-.*/stderr")
    assert stage.canaries["CANARY_TOKEN"] not in told.text


def test_each_run_has_the_canaries(stage: World) -> None:
    assert stage.canaries.items() <= stage.environ.items()
    assert not stage.canaries.keys() & os.environ.keys()
