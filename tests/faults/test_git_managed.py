"""Remotes of a managed repository that fail, and what may be one: rows G-01 to G-10, W-01, SEC-01 to -07."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.adapters.clock import SystemClock
from reconciler.adapters.git.managed import ManagedRepository
from reconciler.adapters.git.names import remote_url
from reconciler.app.remote_trigger import RemoteTrigger
from reconciler.domain.triggers import Wake
from reconciler.domain.watching import Managed
from reconciler.errors import PermissionRefused, ReconcileError, Refused, RepositoryUnreachable
from tests.bed.cut import cut_after
from tests.bed.ears import Ears, listening
from tests.bed.git_server import GitServer, Part
from tests.bed.git_world import PINS, GitWorld, http_server, leftovers, pins, silent_server
from tests.bed.managed import ManagedWorld, poll
from tests.bed.tools import wait_until

CUTS = 60


@pytest.fixture
def scene(tmp_path: Path) -> ManagedWorld:
    return ManagedWorld.new(tmp_path)


def expect_as_it_was(scene: ManagedWorld, managed: ManagedRepository, accepted: str) -> None:
    assert managed.accepted == accepted
    assert scene.pins(managed.update("production")) == pins()


def fetch_over(scene: ManagedWorld, url: str, seconds: float = 60.0) -> ManagedRepository:
    """Fetch what main is at from `url`; it is not asked there."""
    scene.url = url
    managed = scene.start(fetch_seconds=seconds)
    managed.fetch(scene.pushed)
    return managed


def test_g_03_a_fetch_that_is_cut_off_anywhere_leaves_the_old_commit_usable(scene: ManagedWorld) -> None:
    direct, accepted = scene.url, scene.fetched().accepted
    scene.push({"notes.txt": secrets.token_hex(10_000), PINS: pins(backend="1.1.0")})
    failed = 0
    with http_server(scene.world) as port:
        for count in sorted(random.Random(3).sample(range(12_000), CUTS)):
            with cut_after(count, port) as cut, pytest.raises(ReconcileError):
                fetch_over(scene, f"http://127.0.0.1:{cut}/origin.git")
            failed += 1
            expect_as_it_was(scene, scene.start(), accepted)
    assert failed == CUTS
    scene.url = direct
    managed = scene.start()
    poll(managed)
    assert scene.pins(managed.update("production")) == pins(backend="1.1.0")
    scene.world.git(scene.mirror, "fsck", "--strict", "--no-dangling")


def test_g_03_a_first_clone_that_is_cut_off_anywhere_is_begun_again(scene: ManagedWorld) -> None:
    direct = scene.url
    scene.push({"notes.txt": secrets.token_hex(10_000)})
    with http_server(scene.world) as port:
        for count in sorted(random.Random(4).sample(range(10_000), CUTS // 2)):
            with cut_after(count, port) as cut, pytest.raises(ReconcileError):
                fetch_over(scene, f"http://127.0.0.1:{cut}/origin.git")
            assert scene.start().accepted == ""
    scene.url = direct
    managed = scene.start()
    poll(managed)
    assert scene.pins(managed.update("production")) == pins()


def test_g_02_a_remote_that_hangs_is_left_at_the_deadline(scene: ManagedWorld) -> None:
    accepted = scene.fetched().accepted
    scene.push({PINS: pins(backend="1.1.0")})
    with silent_server() as port:
        url = f"http://127.0.0.1:{port}/origin.git"
        with pytest.raises(RepositoryUnreachable, match=r"not done after 0\.5 seconds"):
            fetch_over(scene, url, seconds=0.5)
        assert not leftovers(url)
    expect_as_it_was(scene, scene.start(), accepted)


def test_g_02_a_remote_that_hangs_in_the_middle_of_a_fetch(scene: ManagedWorld) -> None:
    accepted = scene.fetched().accepted
    scene.push({PINS: pins(backend="1.1.0")})
    with GitServer(scene.world.root, scene.world.environ) as server:
        server.stall(Part.FETCH)
        with pytest.raises(RepositoryUnreachable, match="not done after 2 seconds"):
            fetch_over(scene, server.url("origin.git"), seconds=2)
    expect_as_it_was(scene, scene.start(), accepted)


@pytest.mark.parametrize("url", ["https://nowhere.invalid/a.git", "http://127.0.0.1:1/a.git"])
def test_g_01_a_remote_that_is_not_there(url: str, scene: ManagedWorld) -> None:
    accepted = scene.fetched().accepted
    scene.push({PINS: pins(backend="1.1.0")})
    with pytest.raises(RepositoryUnreachable, match="could not be read"):
        fetch_over(scene, url)
    expect_as_it_was(scene, scene.start(), accepted)


def test_g_01_a_login_that_is_refused(scene: ManagedWorld) -> None:
    accepted = scene.fetched().accepted
    scene.push({PINS: pins(backend="1.1.0")})
    with http_server(scene.world, user="robot", password="right") as port:
        with pytest.raises(PermissionRefused):
            fetch_over(scene, f"http://127.0.0.1:{port}/origin.git")
        helper = "!printf 'username=robot\\npassword=right\\n'"
        scene.world.git(scene.world.home, "config", "--global", "credential.helper", helper)
        assert fetch_over(scene, f"http://127.0.0.1:{port}/origin.git").accepted == scene.pushed
    assert accepted != scene.pushed


@contextmanager
def polled(managed: ManagedRepository) -> Iterator[tuple[RemoteTrigger, Ears[Wake]]]:
    """The daemon's own poller, which asks all the time."""
    trigger = RemoteTrigger(managed, SystemClock(), lambda: 0.5, poll_seconds=0.02)
    with listening(trigger) as ears:
        yield trigger, ears


def test_w_01_a_commit_is_followed_although_nobody_tells(scene: ManagedWorld) -> None:
    managed = scene.fetched()
    with polled(managed) as (_, ears):
        new = scene.push({PINS: pins(backend="1.1.0")})
        ears.wait_for(lambda heard: heard, "the commit is noticed")
    assert [wake.detail for wake in ears.heard] == [f"main is at {new[:7]}"]
    assert scene.pins(managed.update("production")) == pins(backend="1.1.0")


def test_g_10_fifty_commits_end_with_the_last_one(scene: ManagedWorld) -> None:
    managed = scene.fetched()
    clone = scene.world.clone(scene.origin)
    with polled(managed) as (trigger, _):
        for number in range(50):
            scene.world.commit(clone, {PINS: pins(backend=f"1.1.{number}")}, f"Release {number}")
            scene.world.git(clone, "push", "--quiet", "origin", "HEAD:main")
        wait_until(lambda: trigger.source.accepted == scene.pushed, seconds=20, what="the last one")
    assert scene.pins(managed.update("production")) == pins(backend="1.1.49")


def test_g_01_a_source_is_stale_until_the_remote_is_back(scene: ManagedWorld) -> None:
    managed = scene.fetched()
    away = scene.world.root / "away.git"
    with polled(managed) as (trigger, ears):
        wait_until(lambda: trigger.source.answered_at is not None, seconds=20, what="a first answer")
        scene.origin.rename(away)
        wait_until(lambda: trigger.source.stale, seconds=20, what="the source is stale")
        assert "could not be read" in trigger.source.why
        assert trigger.source.accepted == managed.accepted
        assert scene.pins(managed.update("production")) == pins()
        away.rename(scene.origin)
        new = scene.push({PINS: pins(backend="1.1.0")})
        ears.wait_for(lambda heard: heard, "it is back")
        wait_until(lambda: not trigger.source.stale, seconds=20, what="the source is fresh")
    assert trigger.source.accepted == new


def test_g_07_a_branch_that_vanishes_between_poll_and_fetch(scene: ManagedWorld) -> None:
    managed = scene.fetched()
    accepted = managed.accepted
    new = scene.push({PINS: pins(backend="1.1.0")})
    scene.world.git(scene.origin, "update-ref", "-d", "refs/heads/main")
    with pytest.raises(ReconcileError, match="has no branch main"):
        managed.fetch(new)
    expect_as_it_was(scene, managed, accepted)


HOSTILE = [
    "",
    " ",
    "-x",
    "--upload-pack=touch PWNED",
    "ext::sh -c touch% PWNED",
    "fd::17/foo",
    "/srv/shop.git",
    "../shop.git",
    "shop.git",
    "file://host/shop.git",
    "file:///srv/../etc",
    "git://git.test/shop.git",
    "http://git.test/shop.git",
    "http://127.0.0.1.git.test/shop.git",
    "https://-oProxyCommand=x/shop.git",
    "https://git.test",
    "https://git.test/",
    "https:///shop.git",
    "https://git.test/shop git",
    "https://git.test/$(touch PWNED)",
    "https://git.test/a\nb",
    "https://git.test/a\0b",
    "ssh://-oProxyCommand=touch PWNED/shop.git",
    "ssh://-l@git.test/shop.git",
    "-oProxyCommand=x@git.test:shop.git",
    "git@-oProxyCommand=x:shop.git",
    "git@git.test:-shop.git",
    "git@git.test:",
    "https://git.test/" + "x" * 5000,
    "https://g\u0131t.test/shop.git",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_row_1_what_is_no_address_starts_no_git(url: str, tmp_path: Path) -> None:
    world = GitWorld.new(tmp_path)
    with pytest.raises(Refused):
        ManagedRepository.open(
            tmp_path / "state", Managed(url, "main"), environ=world.with_git("touch $0.started")
        )
    assert not list(tmp_path.rglob("*started")) + list(tmp_path.rglob("PWNED"))


@pytest.mark.parametrize("branch", ["--upload-pack=touch PWNED", "-x", "", "a..b", "a.lock", "a b", "a:b"])
def test_row_1_what_is_no_branch_starts_no_git(branch: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="branch name"):
        ManagedRepository.open(tmp_path / "state", Managed("https://git.test/shop.git", branch), environ={})


@pytest.mark.parametrize("path", ["../x", "/etc", "a/../b", "-x", "a//b"])
def test_row_4_what_is_no_folder_in_it_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="path inside"):
        ManagedRepository.open(
            tmp_path / "state", Managed("https://git.test/shop.git", "main", path), environ={}
        )


def test_row_7_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(Refused, match="holds a password") as caught:
        remote_url("https://robot:s3cret@git.test/shop.git")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "protocol"),
    [
        ("https://git.test/team/shop.git", "https"),
        ("https://robot@git.test:8443/shop", "https"),
        ("ssh://git@git.test:2222/~team/shop.git", "ssh"),
        ("git@git.test:team/shop.git", "ssh"),
        ("git@git.test:/srv/shop.git", "ssh"),
        ("file:///srv/git/shop.git", "file"),
        ("http://127.0.0.1:3000/shop.git", "http"),
        ("http://localhost/shop.git", "http"),
        ("http://[::1]:3000/shop.git", "http"),
    ],
)
def test_what_is_an_address(url: str, protocol: str) -> None:
    assert remote_url(url) == (url, protocol)


def test_row_2_a_redirect_to_another_protocol_is_not_followed(scene: ManagedWorld) -> None:
    """`insteadOf` stands for any way by which an address turns into another one."""
    scene.url = "https://git.test/shop.git"
    scene.world.git(scene.world.home, "config", "--global", f"url.file://{scene.origin}.insteadOf", scene.url)
    with pytest.raises(RepositoryUnreachable, match="transport 'file' not allowed"):
        scene.start().tip()
