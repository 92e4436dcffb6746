"""A commit that is pushed: races, refusals, remotes that do not answer. Faults G-01, 02, 07, 11, 12, 14."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconciler.adapters.git import GitRepository, Patience
from reconciler.errors import PermissionRefused, Refused, RepositoryFailed, RepositoryUnreachable, Stale
from reconciler.ports import Edit
from tests.bed.git_world import (
    PINS,
    SERVICES,
    GitWorld,
    http_server,
    image,
    leftovers,
    pins,
    silent_server,
    with_tag,
    yielding_to_people,
)
from tests.bed.tools import wait_until


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return GitWorld.new(tmp_path)


@pytest.fixture
def origin(world: GitWorld) -> Path:
    return world.origin()


def test_the_commit_is_at_the_remote_and_here(world: GitWorld, origin: Path) -> None:
    clone = world.clone(origin)
    (clone / "README.md").write_text("changed\n")
    notes: list[str] = []
    revision = world.open(clone, notes=notes).commit(_move("cache"), "Move", push="main")
    assert world.git(origin, "rev-parse", "main") == revision.commit == world.git(clone, "rev-parse", "main")
    assert world.git(clone, "rev-parse", "origin/main") == revision.commit
    assert (revision.branch, revision.subject) == ("main", "Move")
    assert (clone / PINS).read_text() == pins(cache="2.0.0")
    assert world.git(clone, "status", "--porcelain") == " M README.md"
    assert notes == []
    assert not (clone / ".git/FETCH_HEAD").exists()


def test_a_commit_without_edits_is_pushed_on_top_of_what_others_pushed(world: GitWorld, origin: Path) -> None:
    clone = world.clone(origin)
    other = world.push_from_elsewhere(origin, {PINS: pins(worker="3.0.0")}, "Theirs")
    revision = world.open(clone).commit([], "Approve", push="main")
    assert world.git(origin, "rev-parse", "main") == revision.commit == world.git(clone, "rev-parse", "HEAD")
    assert world.git(origin, "rev-parse", "main~1") == other
    assert world.git(origin, "diff", "--name-only", "main~1", "main") == ""


def test_it_is_based_on_what_others_pushed(world: GitWorld, origin: Path) -> None:
    clone = world.clone(origin)
    other = world.push_from_elsewhere(origin, {"README.md": "theirs\n", PINS: pins(worker="3.0.0")}, "Theirs")
    world.open(clone).commit(_move("cache"), "Move", push="main")
    assert world.git(origin, "rev-parse", "main~1") == other
    assert world.show(origin, "main", PINS) == pins(worker="3.0.0", cache="2.0.0")
    assert world.git(clone, "rev-parse", "HEAD") == world.git(origin, "rev-parse", "main")
    assert (clone / "README.md").read_text() == "theirs\n"


def test_a_push_between_our_fetch_and_our_push(world: GitWorld, origin: Path) -> None:
    """G-11: a neighbour's line moved; both changes land."""
    clone = world.clone(origin)
    seen: list[str] = []

    def derive(text: str) -> str:
        if not seen:
            world.push_from_elsewhere(origin, {PINS: pins(worker="3.0.0")}, "Theirs")
        seen.append(text)
        return with_tag("cache", "2.0.0")(text)

    naps: list[float] = []
    world.open(clone, naps=naps).commit([Edit(PINS, derive)], "Move", push="main")
    assert world.show(origin, "main", PINS) == pins(worker="3.0.0", cache="2.0.0")
    assert world.git(origin, "log", "-2", "--format=%s").splitlines() == ["Move", "Theirs"]
    assert (len(seen), naps) == (2, [0.1])


def test_the_person_who_moved_the_same_line_wins(world: GitWorld, origin: Path) -> None:
    """G-11: we yield."""
    clone = world.clone(origin)
    derive = yielding_to_people("cache", "1.0.0", "0.9.0")
    calls: list[str] = []

    def racing(text: str) -> str:
        if not calls:
            calls.append(world.push_from_elsewhere(origin, {PINS: pins(cache="1.0.1")}, "A fix"))
        return derive(text)

    with pytest.raises(Stale, match="moved meanwhile"):
        world.open(clone).commit([Edit(PINS, racing)], "Roll back", push="main")
    assert world.git(origin, "rev-parse", "main") == calls[0]
    assert world.git(clone, "log", "-1", "--format=%s") == "Say hello"


def test_what_is_there_already_is_not_committed_again(world: GitWorld, origin: Path) -> None:
    """As after a push that was cut off, although it had arrived."""
    clone = world.clone(origin)
    tip = world.push_from_elsewhere(origin, {PINS: pins(cache="2.0.0")}, "Theirs")
    with pytest.raises(Stale, match="already"):
        world.open(clone).commit(_move("cache"), "Move", push="main")
    assert world.git(origin, "rev-parse", "main") == tip


def test_others_are_faster_every_time(world: GitWorld, origin: Path) -> None:
    clone = world.clone(origin)
    naps: list[float] = []

    def derive(text: str) -> str:
        world.push_from_elsewhere(origin, {"count": f"{len(naps)}\n"}, "Theirs")
        return with_tag("cache", "2.0.0")(text)

    with pytest.raises(Stale, match=r"origin/main was moved by others"):
        world.open(clone, attempts=4, naps=naps).commit([Edit(PINS, derive)], "Move", push="main")
    assert naps == [0.1, 0.2, 0.4]
    assert world.show(origin, "main", PINS) == pins()


def test_a_depth_one_clone_loses_no_file(world: GitWorld, origin: Path) -> None:
    """G-12: everything but one scalar is byte-identical, whatever arrived meanwhile."""
    clone = world.clone(origin, "shallow", "--depth", "1")
    world.push_from_elsewhere(origin, {"src/more.py": "more\n"}, "Theirs")
    before = world.tree(origin, "main")
    world.open(clone).commit(_move("cache"), "Move", push="main")
    after = world.tree(origin, "main")
    assert before.keys() == after.keys()
    assert {path for path in before if before[path] != after[path]} == {PINS}
    assert world.show(origin, "main", PINS) == pins(cache="2.0.0")
    assert world.git(origin, "rev-list", "--count", "main") == "5"
    assert world.git(clone, "rev-parse", "HEAD") == world.git(origin, "rev-parse", "main")
    assert world.git(clone, "rev-parse", "--is-shallow-repository") == "true"
    assert world.git(clone, "status", "--porcelain") == ""
    assert world.git(origin, "fsck", "--strict") == ""


def test_a_detached_depth_one_clone_as_in_ci(world: GitWorld, origin: Path) -> None:
    """What check-out actions leave: no branch, one commit, one remote."""
    clone = world.init("ci")
    world.git(clone, "remote", "add", "origin", f"file://{origin}")
    world.git(clone, "fetch", "--quiet", "--depth=1", "origin", "+refs/heads/main:refs/remotes/origin/main")
    world.git(clone, "checkout", "--quiet", "--detach", "origin/main")
    before = world.git(clone, "rev-parse", "HEAD")
    notes: list[str] = []
    repository = world.open(clone, notes=notes)
    revision = repository.commit(_move("cache"), "Move", push="main")
    assert world.git(origin, "rev-parse", "main") == revision.commit
    assert world.git(clone, "rev-parse", "HEAD") == before
    assert repository.read(revision, PINS) == pins(cache="2.0.0")
    assert notes == []


def test_a_clone_without_blobs_and_a_clone_of_one_branch(world: GitWorld, origin: Path) -> None:
    world.git(origin, "config", "uploadpack.allowFilter", "true")
    world.git(origin, "branch", "release", "main~1")
    before = world.tree(origin, "release")
    partial = world.clone(origin, "partial", "--filter=blob:none", "--no-checkout", "--single-branch")
    world.open(partial).commit(_move("cache"), "Move", push="release")
    after = world.tree(origin, "release")
    assert {path for path in before if before[path] != after[path]} == {PINS}
    assert before.keys() == after.keys()


def test_another_branch_than_ours_leaves_ours_alone(world: GitWorld, origin: Path) -> None:
    world.git(origin, "branch", "release", "main~1")
    clone = world.clone(origin)
    before = world.git(clone, "rev-parse", "HEAD")
    notes: list[str] = []
    world.open(clone, notes=notes).commit(_move("cache"), "Move", push="release")
    assert world.show(origin, "release", PINS) == pins(cache="2.0.0")
    assert world.git(clone, "rev-parse", "HEAD") == before
    assert (clone / PINS).read_text() == pins()
    assert notes == []


def test_the_remote_is_the_one_of_the_upstream(world: GitWorld, origin: Path) -> None:
    second = world.origin("second")
    clone = world.clone(origin)
    world.git(clone, "remote", "add", "hub", f"file://{second}")
    world.git(clone, "fetch", "--quiet", "hub")
    world.git(clone, "checkout", "--quiet", "-b", "local", "--track", "hub/main")
    repository = world.open(clone)
    assert repository.upstream() == "main"
    revision = repository.commit(_move("cache"), "Move", push="main")
    assert world.git(second, "rev-parse", "main") == revision.commit == world.git(clone, "rev-parse", "local")
    assert world.show(origin, "main", PINS) == pins()


@pytest.mark.parametrize("obstacle", ["commit", "change", "merge", "lock"])
def test_a_local_branch_that_cannot_follow_is_noted(world: GitWorld, origin: Path, obstacle: str) -> None:
    clone = world.clone(origin)
    match obstacle:
        case "commit":
            world.commit(clone, {"mine": "mine\n"}, "Mine")
        case "change":
            (clone / PINS).write_text("mine\n")
        case "merge":
            (clone / ".git/MERGE_HEAD").write_text(world.git(clone, "rev-parse", "HEAD"))
        case _:
            (clone / ".git/index.lock").touch()
    before, text = world.git(clone, "rev-parse", "HEAD"), (clone / PINS).read_text()
    notes: list[str] = []
    revision = world.open(clone, notes=notes).commit(_move("cache"), "Move", push="main")
    assert world.git(origin, "rev-parse", "main") == revision.commit
    assert (world.git(clone, "rev-parse", "HEAD"), (clone / PINS).read_text()) == (before, text)
    assert len(notes) == 1
    assert "is pushed to origin/main, but the local branch main could not follow" in notes[0]


# --- the remote says no, or nothing ---------------------------------------------------------------


def test_a_server_hook_refuses(world: GitWorld, origin: Path) -> None:
    """G-14: in the remote's words; nothing has changed here."""
    world.hook(
        origin,
        "pre-receive",
        "echo 'main is protected: ask Grace' >&2; printf '\\033[31mred\\033[0m' >&2; exit 1",
    )
    clone = world.clone(origin)
    before, naps = world.git(clone, "rev-parse", "HEAD"), list[float]()
    with pytest.raises(RepositoryFailed, match="main is protected: ask Grace") as caught:
        world.open(clone, naps=naps).commit(_move("cache"), "Move", push="main")
    assert "pre-receive hook declined" in caught.value.problem
    assert "\x1b" not in caught.value.problem
    assert world.git(clone, "rev-parse", "HEAD") == before
    assert (clone / PINS).read_text() == pins()
    assert naps == [], "a refusal is not a race"


def test_a_server_that_cannot_update_the_branch_is_not_a_race(world: GitWorld, origin: Path) -> None:
    (origin / "refs/heads/main.lock").touch()
    clone = world.clone(origin)
    with pytest.raises(RepositoryFailed, match="2 attempts"):
        world.open(clone, attempts=2).commit(_move("cache"), "Move", push="main")


def test_the_checked_out_branch_of_a_work_tree_refuses(world: GitWorld, origin: Path) -> None:
    served = world.clone(origin, "served")
    clone = world.root / "clone"
    world.git(world.root, "clone", "--quiet", f"file://{served}", str(clone))
    with pytest.raises(RepositoryFailed, match="checked out"):
        world.open(clone).commit(_move("cache"), "Move", push="main")


def test_the_remote_has_no_such_branch(world: GitWorld, origin: Path) -> None:
    """G-07: never "nothing is desired"."""
    clone = world.clone(origin)
    with pytest.raises(RepositoryFailed, match="origin has no branch gone"):
        world.open(clone).commit(_move("cache"), "Move", push="gone")


def test_there_is_no_remote(world: GitWorld, origin: Path) -> None:
    """A folder of the work tree called origin is not one."""
    clone = world.clone(origin)
    world.git(clone, "remote", "remove", "origin")
    world.git(world.root, "clone", "--quiet", "--bare", str(origin), str(clone / "origin"))
    with pytest.raises(Refused, match="no remote called origin"):
        world.open(clone).commit(_move("cache"), "Move", push="main")


def test_a_remote_that_is_gone(world: GitWorld, origin: Path) -> None:
    """G-01."""
    clone = world.clone(origin)
    origin.rename(world.root / "moved.git")
    with pytest.raises(RepositoryUnreachable, match="origin/main could not be read"):
        world.open(clone).commit(_move("cache"), "Move", push="main")
    assert world.open(clone).head().subject == "Say hello", "what is here can still be read"


def test_a_port_that_nobody_listens_on(world: GitWorld, origin: Path) -> None:
    """G-01."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for scheme in ("git", "http"):
        clone = world.clone(origin, f"clone-{scheme}")
        world.git(clone, "remote", "set-url", "origin", f"{scheme}://user:s3cret@127.0.0.1:{port}/origin.git")
        with pytest.raises(RepositoryUnreachable) as caught:
            world.open(clone).commit(_move("cache"), "Move", push="main")
        assert "s3cret" not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize("scheme", ["git", "http"])
def test_a_remote_that_hangs_is_left_at_the_deadline(world: GitWorld, origin: Path, scheme: str) -> None:
    """G-02: the whole process group is gone, no zombie stays, and the next call works."""
    clone = world.clone(origin)
    with silent_server() as port:
        url = f"{scheme}://127.0.0.1:{port}/hangs-{port}.git"
        world.git(clone, "remote", "set-url", "origin", url)
        repository = world.open(clone, deadline_seconds=2)
        with pytest.raises(RepositoryUnreachable, match="git fetch was not done after 2 seconds"):
            repository.commit(_move("cache"), "Move", push="main")
        wait_until(lambda: not leftovers(f"hangs-{port}"), seconds=10, what="no process is left")
    assert world.open(clone).read(repository.head(), PINS) == pins()


def test_a_server_hook_that_hangs(world: GitWorld, origin: Path) -> None:
    """G-02, after our fetch: nothing has changed here."""
    marker = f"1000.{os.getpid()}"
    world.hook(origin, "pre-receive", f"exec sleep {marker}")
    clone = world.clone(origin)
    with pytest.raises(RepositoryUnreachable, match="git push was not done"):
        world.open(clone, deadline_seconds=2).commit(_move("cache"), "Move", push="main")
    assert (clone / PINS).read_text() == pins()
    wait_until(lambda: not leftovers(f"sleep {marker}"), seconds=10, what="no process is left")


# --- over HTTP ------------------------------------------------------------------------------------


def test_over_http_with_the_credential_helper_of_the_user(world: GitWorld, origin: Path) -> None:
    world.git(origin, "config", "http.receivepack", "true")
    clone = world.clone(origin)
    with http_server(world, user="robot", password="s3cret") as port:
        world.git(clone, "remote", "set-url", "origin", f"http://127.0.0.1:{port}/origin.git")
        with pytest.raises(PermissionRefused, match="origin refused us"):
            world.open(clone).commit(_move("cache"), "Move", push="main")
        helper = "!f() { echo username=robot; echo password=s3cret; }; f"
        world.git(world.home, "config", "--global", "credential.helper", helper)
        revision = world.open(clone).commit(_move("cache"), "Move", push="main")
    assert world.git(origin, "rev-parse", "main") == revision.commit


def test_a_token_that_may_only_read(world: GitWorld, origin: Path) -> None:
    world.git(origin, "config", "http.receivepack", "false")
    clone = world.clone(origin)
    with http_server(world) as port:
        world.git(clone, "remote", "set-url", "origin", f"http://127.0.0.1:{port}/origin.git")
        with pytest.raises(PermissionRefused, match="main was to be written"):
            world.open(clone).commit(_move("cache"), "Move", push="main")
    assert (clone / PINS).read_text() == pins()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, PermissionRefused),
        (403, PermissionRefused),
        (404, RepositoryUnreachable),
        (500, RepositoryUnreachable),
    ],
)
def test_what_an_http_status_means(
    world: GitWorld, origin: Path, status: int, error: type[PermissionRefused | RepositoryUnreachable]
) -> None:
    clone = world.clone(origin)
    with http_server(world, status=status) as port:
        url = f"http://robot:s3cret@127.0.0.1:{port}/origin.git?private_token=t0ken"
        world.git(clone, "remote", "set-url", "origin", url)
        with pytest.raises(error) as caught:
            world.open(clone).commit(_move("cache"), "Move", push="main")
    for secret in ("s3cret", "t0ken"):
        assert secret not in f"{caught.value!r} {caught.value}"


# --- many at once ---------------------------------------------------------------------------------


def test_six_writers_push_five_pins_each_and_all_land(world: GitWorld, origin: Path) -> None:
    """A writer whose attempts run out is called again, as the next pass would."""
    clones = [world.clone(origin, f"writer-{service}", "--depth", "1") for service in SERVICES]

    def write(index: int) -> None:
        repository = GitRepository.discover(clones[index], environ=world.environ, patience=Patience())
        for number in range(5):
            edit = Edit(PINS, with_tag(SERVICES[index], f"2.0.{number}"))
            landed = False
            while not landed:
                try:
                    repository.commit([edit], f"{SERVICES[index]} {number}", push="main")
                    landed = True
                except Stale as stale:
                    if "moved by others" not in stale.problem:
                        raise

    with ThreadPoolExecutor(len(clones)) as writers:
        list(writers.map(write, range(len(clones))))
    subjects = world.git(origin, "log", "--format=%s", "main").splitlines()
    assert sorted(subjects[:30]) == sorted(
        f"{service} {number}" for service in SERVICES for number in range(5)
    )
    assert subjects[30:] == ["Say hello", "Pin everything", "Begin"]
    assert world.show(origin, "main", PINS) == pins(**dict.fromkeys(SERVICES, "2.0.4"))
    assert image("cache", "2.0.4") in world.show(origin, "main", PINS)


def _move(service: str) -> list[Edit]:
    return [Edit(PINS, with_tag(service, "2.0.0"))]
