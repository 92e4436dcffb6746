"""A managed repository: what is fetched, what is accepted, and the work trees that follow."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconciler.adapters.git import mirror
from reconciler.adapters.git.turn import turn
from reconciler.domain.environment import Environment, Rollback
from reconciler.domain.source import Arrival
from reconciler.domain.watching import Rewritten
from reconciler.errors import Locked, PermissionRefused, Refused, RepositoryUnreachable
from reconciler.ports import Edit
from tests.bed.git_world import PINS, pins, with_tag
from tests.bed.managed import ManagedWorld, poll


@pytest.fixture
def scene(tmp_path: Path) -> ManagedWorld:
    return ManagedWorld.new(tmp_path)


# --- Fetching and following -----------------------------------------------------------------------


def test_the_first_poll_clones_and_every_environment_gets_its_own_files(scene: ManagedWorld) -> None:
    managed = scene.start()
    assert poll(managed) == Arrival(scene.pushed)
    folders = [managed.update("production"), managed.update("staging"), managed.update_settings()]
    assert len(set(folders)) == 3
    for folder in folders:
        assert scene.pins(folder) == pins()
        head = scene.opened(folder).head()
        assert (head.commit, head.branch) == (scene.pushed, "")
        assert (folder / "reconcile.yaml").is_file()
        assert scene.opened(folder).uncommitted(["."]) == ()


def test_before_the_first_poll_there_is_nothing_to_read(scene: ManagedWorld) -> None:
    with pytest.raises(RepositoryUnreachable, match="was not fetched yet"):
        scene.start().update("production")


def test_a_new_tip_is_followed_by_who_updates(scene: ManagedWorld) -> None:
    managed = scene.fetched()
    production, staging = managed.update("production"), managed.update("staging")
    new = scene.push({PINS: pins(backend="1.1.0")})
    assert poll(managed) == Arrival(new)
    managed.update("production")
    assert scene.pins(production) == pins(backend="1.1.0")
    assert (production / "production/compose.pins.yaml").read_text() == pins(backend="1.1.0")
    assert scene.pins(staging) == pins(), "another environment's pass may be reading there"


def test_a_second_daemon_goes_on_with_what_there_is(scene: ManagedWorld) -> None:
    scene.fetched().update("production")
    managed = scene.start()
    assert managed.accepted == scene.pushed
    assert scene.pins(managed.update("production")) == pins()


def test_what_is_as_it_should_be_is_not_touched(scene: ManagedWorld) -> None:
    managed = scene.fetched()
    folder = managed.update("production")
    index = scene.mirror / "worktrees/environment-production/index"
    before = [file.stat().st_mtime_ns for file in (index, folder / "reconcile.yaml", scene.root / "accepted")]
    inode = index.stat().st_ino
    poll(managed)
    managed.update("production")
    after = [file.stat().st_mtime_ns for file in (index, folder / "reconcile.yaml", scene.root / "accepted")]
    assert (after, index.stat().st_ino) == (before, inode)


def test_files_of_an_application_beside_the_tracked_ones_stay(scene: ManagedWorld) -> None:
    managed = scene.fetched()
    top = managed.update("production").parent
    (top / "data").mkdir()
    (top / "data/database").write_text("precious")
    scene.push({"src/main.py": "print('new')\n"})
    poll(managed)
    managed.update("production")
    assert (top / "data/database").read_text() == "precious"
    assert (top / "src/main.py").read_text() == "print('new')\n"


def test_tracked_files_that_were_changed_here_are_put_back_and_that_is_said(scene: ManagedWorld) -> None:
    managed = scene.fetched()
    folder = managed.update("production")
    (folder / "production/compose.pins.yaml").write_text("services: {}\n")
    (folder.parent / "README.md").unlink()
    managed.update("production")
    assert scene.opened(folder).uncommitted(["."]) == ()
    assert len(scene.notes) == 1
    assert scene.notes[0].startswith(f"README.md, {PINS} in {folder.parent} was changed here")


def test_the_top_level_may_be_the_state_folder(scene: ManagedWorld) -> None:
    scene.path = ""
    folder = scene.fetched().update("production")
    assert (folder / "README.md").is_file()


def test_fifty_commits_are_fetched_at_once(scene: ManagedWorld) -> None:
    managed = scene.fetched()
    clone = scene.world.clone(scene.origin)
    for number in range(50):
        scene.world.commit(clone, {PINS: pins(backend=f"1.1.{number}")}, f"Release {number}")
        if number % 10 == 9:
            scene.world.git(clone, "push", "--quiet", "origin", "HEAD:main")
    assert poll(managed) == Arrival(scene.pushed)
    assert scene.pins(managed.update("production")) == pins(backend="1.1.49")


def test_a_repository_whose_objects_have_longer_ids(scene: ManagedWorld) -> None:
    seed = scene.world.root / "longer"
    scene.world.git(scene.world.root, "init", "--quiet", "--object-format=sha256", str(seed))
    new = scene.world.commit(seed, {PINS: pins()}, "Begin")
    scene.url = f"file://{seed}"
    assert poll(scene.start()) == Arrival(new)
    assert len(new) == 64


def test_an_address_that_changed_is_where_the_next_poll_goes(scene: ManagedWorld) -> None:
    scene.fetched()
    moved = scene.origin.rename(scene.world.root / "moved.git")
    scene.url = f"file://{moved}"
    scene.origin = moved
    new = scene.push({"a": "b"})
    managed = scene.start()
    assert poll(managed) == Arrival(new)
    assert scene.world.git(scene.mirror, "config", "remote.origin.url") == scene.url


# --- History that was rewritten, branches that are gone -------------------------------------------


def test_rewritten_history_is_followed_and_named(scene: ManagedWorld) -> None:
    managed = scene.fetched()
    old = scene.pushed
    new = scene.rewrite({PINS: pins(backend="2.0.0")})
    words = f"history was rewritten: {old[:7]} is not an ancestor of {new[:7]}"
    assert poll(managed) == Arrival(new, words)
    assert scene.pins(managed.update("production")) == pins(backend="2.0.0")


def test_rewritten_history_is_refused_where_that_is_wanted(scene: ManagedWorld) -> None:
    scene.rewritten = Rewritten.REFUSE
    managed = scene.fetched()
    old = scene.pushed
    new = scene.rewrite({PINS: pins(backend="2.0.0")})
    words = f"history was rewritten: {old[:7]} is not an ancestor of {new[:7]}; {old[:7]} is kept"
    assert poll(managed) == Arrival(old, words)
    assert poll(managed) == Arrival(old, words), "it stays so"
    assert scene.pins(managed.update("production")) == pins()


def test_what_was_refused_is_followed_once_a_person_says_so(scene: ManagedWorld) -> None:
    scene.rewritten = Rewritten.REFUSE
    scene.fetched()
    new = scene.rewrite({PINS: pins(backend="2.0.0")})
    poll(scene.start())
    scene.rewritten = Rewritten.ACCEPT
    assert poll(scene.start()).accepted == new


def test_what_was_refused_is_followed_once_it_continues_what_was_kept(scene: ManagedWorld) -> None:
    scene.rewritten = Rewritten.REFUSE
    clone = scene.world.clone(scene.origin)
    managed = scene.fetched()
    scene.rewrite({PINS: pins(backend="2.0.0")})
    poll(managed)
    new = scene.world.commit(clone, {PINS: pins(backend="1.2.0")}, "On top of the old history")
    scene.world.git(clone, "push", "--quiet", "--force", "origin", "HEAD:main")
    assert poll(managed) == Arrival(new)


@pytest.mark.parametrize("policy", Rewritten)
def test_history_that_cannot_be_read_is_unknown_and_not_rewritten(
    policy: Rewritten, scene: ManagedWorld
) -> None:
    scene.rewritten = policy
    scene.fetched()
    lost = "1" * 40
    (scene.root / "accepted").write_text(f"{lost}\n")
    arrival = poll(scene.start())
    assert arrival.remark.startswith("it is unknown whether history was rewritten: 1111111")
    assert arrival.accepted == (lost if policy is Rewritten.REFUSE else scene.pushed)


def test_a_commit_that_vanished_at_the_remote_stays_here(scene: ManagedWorld) -> None:
    scene.rewritten = Rewritten.REFUSE
    managed = scene.fetched()
    old = scene.pushed
    scene.rewrite({PINS: pins(backend="2.0.0")})
    poll(managed)
    scene.world.git(scene.mirror, "gc", "--quiet", "--prune=now")
    assert old not in scene.world.git(scene.origin, "cat-file", "--batch-all-objects", "--batch-check")
    assert scene.pins(managed.update("production")) == pins()


@pytest.mark.parametrize("what", ["deleted", "renamed", "emptied"])
def test_a_branch_that_is_gone_leaves_what_was_accepted(what: str, scene: ManagedWorld) -> None:
    managed = scene.fetched()
    if what == "renamed":
        scene.world.git(scene.origin, "branch", "--move", "main", "trunk")
    elif what == "deleted":
        scene.world.git(scene.origin, "branch", "trunk")
        scene.world.git(scene.origin, "update-ref", "-d", "refs/heads/main")
    else:
        scene.world.git(scene.origin, "update-ref", "-d", "refs/heads/main")
    assert managed.tip() is None
    assert scene.pins(managed.update("production")) == pins()
    assert scene.pins(scene.start().update("production")) == pins()


def test_what_many_fetches_brought_is_packed_and_nothing_that_counts_is_lost(
    scene: ManagedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.rewritten = Rewritten.REFUSE
    managed = scene.fetched()
    staging = managed.update("staging")
    scene.push({PINS: pins(backend="1.1.0")})
    poll(managed)
    production = managed.update("production")
    scene.rewrite({PINS: pins(backend="2.0.0")})
    monkeypatch.setattr(mirror, "_MOST_PACKS", -1)
    poll(managed)
    scene.world.git(scene.mirror, "prune", "--expire=now")
    assert len(list((scene.mirror / "objects/pack").glob("*.pack"))) == 1
    assert scene.pins(managed.update("production")) == scene.pins(production) == pins(backend="1.1.0")
    assert scene.pins(staging) == pins()


# --- Commits of our own ---------------------------------------------------------------------------


def test_a_release_is_undone_from_a_work_tree(scene: ManagedWorld) -> None:
    new = scene.push({PINS: pins(backend="1.1.0")}, "Release")
    managed = scene.fetched()
    repository = scene.opened(managed.update("production"))
    production = Environment("production", "p", "shop", "..", ()).released_from(managed.branch)
    undone = repository.commit(
        [Edit(PINS, with_tag("backend", "1.0.0"))], "Undo", push=production.rollback.branch
    )
    assert scene.pushed == undone.commit
    assert scene.world.git(scene.origin, "rev-parse", "main~1") == new
    assert repository.head().commit == new, "the tree follows with the next update"
    assert poll(managed) == Arrival(undone.commit)
    assert scene.pins(managed.update("production")) == pins()


def test_a_branch_that_the_settings_name_stays() -> None:
    named = Environment("production", "p", "shop", "..", (), rollback=Rollback(branch="review"))
    assert named.released_from("main").rollback.branch == "review"


# --- Many at once ---------------------------------------------------------------------------------


def test_workers_of_several_environments_fetch_and_update_at_once(scene: ManagedWorld) -> None:
    managed = scene.start()
    clone = scene.world.clone(scene.origin)
    stopping = threading.Event()

    def push() -> None:
        try:
            for number in range(15):
                scene.world.commit(clone, {PINS: pins(backend=f"1.1.{number}")}, f"Release {number}")
                scene.world.git(clone, "push", "--quiet", "origin", "HEAD:main")
        finally:
            stopping.set()

    def work(environment: str) -> int:
        rounds = 0
        while not stopping.is_set() or rounds < 2:
            poll(managed)
            repository = scene.opened(managed.update(environment))
            assert repository.uncommitted(["."]) == ()
            rounds += 1
        return rounds

    with ThreadPoolExecutor(9) as pool:
        pushing = pool.submit(push)
        working = [pool.submit(work, f"env-{number % 4}") for number in range(4)]
        pushing.result()
        assert all(one.result() >= 2 for one in working)
    poll(managed)
    for number in range(4):
        assert scene.pins(managed.update(f"env-{number}")) == pins(backend="1.1.14")


def test_a_fetch_waits_for_another_one_but_not_for_ever(scene: ManagedWorld) -> None:
    scene.fetched()
    scene.push({"a": "b"})
    managed = scene.start(fetch_seconds=0.3)
    with turn(scene.root / "fetch.lock", "fetch", 1), pytest.raises(Locked, match="fetch main of file://"):
        managed.fetch(scene.pushed)
    assert scene.pins(managed.update("production")) == pins()


def test_an_update_does_not_wait_for_a_fetch(scene: ManagedWorld) -> None:
    managed = scene.fetched()
    with turn(scene.root / "fetch.lock", "fetch", 1):
        assert scene.pins(managed.update("production")) == pins()


# --- What the repository may not do here ----------------------------------------------------------


def test_hooks_submodules_and_large_file_filters_are_not_run(scene: ManagedWorld) -> None:
    proof = scene.world.root / "RAN"
    clone = scene.world.clone(scene.origin)
    inner = scene.world.init("inner")
    scene.world.commit(inner, {"secret": "x"}, "Inner")
    scene.world.git(clone, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n"
    scene.world.commit(clone, {".gitattributes": "*.bin filter=lfs\n", "big.bin": pointer}, "Big")
    scene.world.git(clone, "push", "--quiet", "origin", "HEAD:main")
    (scene.world.home / ".gitconfig").write_text(
        (scene.world.home / ".gitconfig").read_text()
        + f'[filter "lfs"]\n  smudge = "[ -n \\"$GIT_LFS_SKIP_SMUDGE\\" ] || touch {proof}; cat"\n'
        + "  required = true\n[submodule]\n  recurse = true\n"
    )
    managed = scene.fetched()
    scene.world.hook(scene.mirror, "post-checkout", f"touch {proof}")
    scene.world.hook(scene.mirror, "reference-transaction", f"touch {proof}")
    top = managed.update("production").parent
    assert not proof.exists()
    assert not (top / "sub/secret").exists()
    assert (top / "big.bin").read_text() == pointer


def test_a_state_folder_that_is_a_link_is_not_followed(scene: ManagedWorld) -> None:
    elsewhere = scene.world.root / "elsewhere"
    elsewhere.mkdir()
    clone = scene.world.clone(scene.origin)
    scene.world.git(clone, "rm", "-rq", "state")
    (clone / "state").symlink_to(elsewhere)
    scene.world.git(clone, "add", "state")
    scene.world.git(clone, "commit", "-qm", "A link")
    scene.world.git(clone, "push", "--quiet", "origin", "HEAD:main")
    managed = scene.fetched()
    with pytest.raises(Refused, match="symbolic link"):
        managed.update("production")


def test_a_repository_around_the_state_directory_is_not_ours(scene: ManagedWorld) -> None:
    scene.world.git(scene.world.root, "init", "--quiet")
    managed = scene.fetched()
    managed.update("production")
    (scene.mirror / "HEAD").unlink()
    assert scene.pins(scene.start().update("production")) == pins()
    assert scene.world.git(scene.world.root, "for-each-ref") == ""


@pytest.mark.parametrize("how", ["linked", "writable", "foreign"])
def test_a_folder_that_others_could_write_to_is_not_used(how: str, scene: ManagedWorld) -> None:
    scene.root.parent.mkdir()
    if how == "linked":
        (scene.world.root / "real").mkdir()
        scene.root.symlink_to(scene.world.root / "real")
    else:
        scene.root.mkdir()
    if how == "writable":
        scene.root.chmod(0o777)
    elif how == "foreign":
        os.chown(scene.root, 12345, 12345)
    with pytest.raises(PermissionRefused, match="is not used"):
        scene.start()
