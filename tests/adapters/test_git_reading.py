"""Reading: discovery, HEAD, files of a revision, names, history. Fault rows G-06, 07 and 17 to 22."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.adapters.git import GitRepository
from reconciler.domain.desired import Revision
from reconciler.errors import InvalidState, Refused, RepositoryFailed, RepositoryUnreachable
from tests.bed.git_world import PINS, GitWorld, pins


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return GitWorld.new(tmp_path)


@pytest.fixture
def clone(world: GitWorld) -> Path:
    return world.clone(world.origin())


def test_a_folder_inside_a_clone_leads_to_its_top(world: GitWorld, clone: Path) -> None:
    assert world.open(clone / "state" / "production").top == clone


def test_head_is_branch_commit_subject_and_author(world: GitWorld, clone: Path) -> None:
    commit = world.git(clone, "rev-parse", "HEAD")
    assert world.open(clone).head() == Revision(commit, "main", "Say hello", "Ada")


def test_a_detached_head_has_no_branch(world: GitWorld, clone: Path) -> None:
    world.git(clone, "checkout", "--quiet", "HEAD~1")
    head = world.open(clone).head()
    assert (head.branch, head.subject) == ("", "Pin everything")
    assert pins() == world.open(clone).read(head, PINS)


def test_another_work_tree_has_its_own_head_and_stamp(world: GitWorld, clone: Path, tmp_path: Path) -> None:
    world.git(clone, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "second"))
    second = world.open(tmp_path / "second" / "state")
    assert (second.top, second.head().branch) == (tmp_path / "second", "other")
    before, main = second.stamp(), world.open(clone).stamp()
    world.commit(tmp_path / "second", {"x": "y"}, "More")
    assert second.stamp() != before
    assert world.open(clone).stamp() == main
    assert second.head().subject == "More"


def test_packed_refs_are_refs(world: GitWorld, clone: Path) -> None:
    before = world.open(clone).head()
    world.git(clone, "pack-refs", "--all")
    assert world.open(clone).head() == before


@pytest.mark.parametrize("branch", ["fünf", "feature/#12", "a+b", "user@host", "x-gdeadbee"])
def test_a_branch_may_be_called_as_git_allows(world: GitWorld, clone: Path, branch: str) -> None:
    world.git(clone, "checkout", "--quiet", "-b", branch)
    assert world.open(clone).head().branch == branch


def test_head_and_any_number_of_files_cost_two_children(world: GitWorld, clone: Path, tmp_path: Path) -> None:
    environ = world.with_git(f'echo x >> "{tmp_path}/count"; exec $GIT "$@"')
    repository = world.open(clone, environ=environ)
    assert (tmp_path / "count").read_text() == "x\n"
    repository.read_many(repository.head(), [PINS, "state/reconcile.yaml", "README.md", "docs/a b/ü.md"])
    assert (tmp_path / "count").read_text() == "x\n" * 3
    repository.stamp()
    assert (tmp_path / "count").read_text() == "x\n" * 3


def test_files_come_in_the_order_asked_for(world: GitWorld, clone: Path) -> None:
    repository = world.open(clone)
    texts = repository.read_many(repository.head(), ["README.md", PINS, "README.md", "docs/a b/ü.md"])
    assert texts == ("A project.\n", pins(), "A project.\n", "ü\n")


def test_a_revision_is_read_and_not_the_work_tree(world: GitWorld, clone: Path) -> None:
    (clone / PINS).write_text("half edited")
    repository = world.open(clone)
    assert repository.read(repository.head(), PINS) == pins()


def test_line_ends_arrive_as_they_are(world: GitWorld, clone: Path) -> None:
    world.commit(clone, {"dos.txt": "a\r\nb\r\n"}, "DOS")
    world.git(clone, "config", "core.autocrlf", "true")
    repository = world.open(clone)
    assert repository.read(repository.head(), "dos.txt") == "a\r\nb\r\n"


# --- no usable repository -------------------------------------------------------------------------


def test_no_git_on_this_machine(clone: Path, world: GitWorld, tmp_path: Path) -> None:
    with pytest.raises(RepositoryUnreachable, match="cannot be started"):
        world.open(clone, environ={"PATH": str(tmp_path / "nothing")})


@pytest.mark.parametrize(
    ("folder", "says"),
    [
        ("home", "not in a Git repository"),
        ("nowhere", "nowhere"),
        ("origin.git", "bare"),
        ("clone/.git", "bare"),
    ],
)
def test_no_work_tree(world: GitWorld, clone: Path, folder: str, says: str) -> None:
    with pytest.raises(RepositoryUnreachable, match=says):
        world.open(world.root / folder)


def test_a_repository_without_commits(world: GitWorld) -> None:
    """G-07: never an empty desired state."""
    with pytest.raises(RepositoryUnreachable, match="no commit"):
        world.open(world.init("empty"))


def test_a_branch_that_was_deleted(world: GitWorld, clone: Path) -> None:
    """G-07. The name would also be git's notation for an abbreviated commit."""
    abbreviated = world.git(clone, "rev-parse", "--short=8", "HEAD")
    world.git(clone, "checkout", "--quiet", "-b", f"x-g{abbreviated}")
    repository = world.open(clone)
    world.git(clone, "update-ref", "-d", f"refs/heads/x-g{abbreviated}")
    with pytest.raises(RepositoryUnreachable, match=f"no commit on its branch x-g{abbreviated}"):
        repository.head()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_another_user_by_chown(world: GitWorld, clone: Path) -> None:
    """G-18."""
    for path in (clone, clone / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(RepositoryUnreachable, match="belongs to another user") as caught:
        world.open(clone)
    assert f"safe.directory {clone}" in caught.value.hint
    world.git(world.home, "config", "--global", "--add", "safe.directory", str(clone))
    assert world.open(clone).head().branch == "main"


def test_a_repository_of_another_user(world: GitWorld, clone: Path) -> None:
    """G-18, where we are not root."""
    environ = world.with_git('GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec $GIT "$@"')
    with pytest.raises(RepositoryUnreachable, match="belongs to another user") as caught:
        world.open(clone, environ=environ)
    assert "safe.directory" in caught.value.hint


@pytest.mark.parametrize(
    ("marker", "says"),
    [
        ("MERGE_HEAD", "merge"),
        ("REVERT_HEAD", "revert"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("BISECT_LOG", "bisect"),
    ],
)
def test_somebody_is_in_the_middle_of_something(world: GitWorld, clone: Path, marker: str, says: str) -> None:
    repository = world.open(clone)
    before = repository.stamp()
    (clone / ".git" / marker).write_text("0" * 40)
    with pytest.raises(Refused, match=f"{says} is under way"):
        repository.head()
    assert repository.stamp() != before


def test_a_rebase_that_stopped_at_a_conflict(world: GitWorld, clone: Path) -> None:
    world.git(clone, "checkout", "--quiet", "-b", "other", "HEAD~1")
    world.commit(clone, {"src/main.py": "conflict\n"}, "Conflict")
    with pytest.raises(Exception, match="CONFLICT"):
        world.git(clone, "rebase", "main")
    with pytest.raises(Refused, match="rebase is under way"):
        world.open(clone).head()


# --- damage ---------------------------------------------------------------------------------------


def _loose(world: GitWorld, folder: Path, revision: str) -> Path:
    identity = world.git(folder, "rev-parse", revision)
    return folder / ".git" / "objects" / identity[:2] / identity[2:]


@pytest.mark.parametrize("revision", ["HEAD:notes", "HEAD^{tree}", "HEAD"])
def test_an_object_that_a_power_loss_emptied(world: GitWorld, clone: Path, revision: str) -> None:
    """G-17."""
    world.commit(clone, {"notes": "hello\n"}, "Notes")
    repository = world.open(clone)
    head = repository.head()
    damaged = _loose(world, clone, revision)
    damaged.chmod(0o644)
    damaged.write_bytes(b"")
    with pytest.raises(
        (RepositoryFailed, RepositoryUnreachable), match=r"empty|corrupt|missing blob|no commit"
    ) as caught:
        repository.read(head, "notes")
    assert "fsck" in caught.value.hint


def test_an_object_that_is_gone(world: GitWorld, clone: Path) -> None:
    world.commit(clone, {"notes": "hello\n"}, "Notes")
    _loose(world, clone, "HEAD:notes").unlink()
    repository = world.open(clone)
    with pytest.raises(RepositoryFailed, match="missing blob") as caught:
        repository.read(repository.head(), "notes")
    assert "fsck" in caught.value.hint


def test_an_abbreviation_of_two_commits(world: GitWorld, clone: Path) -> None:
    tree = world.git(clone, "rev-parse", "HEAD^{tree}")
    seen: dict[str, int] = {}
    for number in range(2000):
        identity = world.git(clone, "commit-tree", "-m", f"Number {number}", tree)
        seen[identity[:4]] = seen.get(identity[:4], 0) + 1
        if seen[identity[:4]] == 2:
            break
    with pytest.raises(Refused, match="more than one commit"):
        world.open(clone).resolve(identity[:4])


def test_a_ref_that_a_power_loss_emptied(world: GitWorld, clone: Path) -> None:
    """G-17."""
    repository = world.open(clone)
    (clone / ".git/refs/heads/main").write_bytes(b"")
    for attempt in (repository.head, lambda: world.open(clone)):
        with pytest.raises(RepositoryUnreachable) as caught:
            attempt()
        assert str(clone) in str(caught.value)


@pytest.mark.parametrize("text", ["", "nonsense", "ref: ../../../etc/passwd", "ref: refs/heads/a b"])
def test_a_head_file_that_means_nothing(world: GitWorld, clone: Path, text: str) -> None:
    repository = world.open(clone)
    (clone / ".git/HEAD").write_text(text)
    with pytest.raises(RepositoryUnreachable):
        repository.head()
    repository.stamp()


def test_a_stale_index_lock_does_not_matter_for_reading(world: GitWorld, clone: Path) -> None:
    """G-17."""
    (clone / ".git/index.lock").touch()
    repository = world.open(clone)
    assert repository.read(repository.head(), PINS) == pins()
    assert repository.uncommitted(["state"]) == ()


# --- what is not a file of ours -------------------------------------------------------------------


def test_every_path_that_cannot_be_read_is_reported_at_once(world: GitWorld, clone: Path) -> None:
    """G-19 and G-20: by mode, never followed; the submodule is never initialised."""
    (clone / "link").symlink_to("README.md")
    (clone / "folder-link").symlink_to("state")
    (clone / "large").write_bytes(b"x" * (1024 * 1024 + 1))
    (clone / "largest-allowed").write_bytes(b"x" * 1024 * 1024)
    (clone / "latin1").write_bytes(b"caf\xe9")
    world.git(clone, "add", "--all")
    world.git(
        clone, "update-index", "--add", "--cacheinfo", f"160000,{world.git(clone, 'rev-parse', 'HEAD')},sub"
    )
    world.git(clone, "commit", "--quiet", "-m", "Traps")
    repository = world.open(clone)
    head = repository.head()
    paths = [
        "link",
        "large",
        "folder-link/reconcile.yaml",
        "sub",
        "sub/x",
        "state",
        "README.md/x",
        "latin1",
        "no",
    ]
    with pytest.raises(InvalidState) as caught:
        repository.read_many(head, [*paths, "README.md"])
    assert [(finding.path, finding.message) for finding in caught.value.findings] == [
        ("link", "is a symbolic link, not a regular file"),
        ("large", "is larger than 1 MiB (1048577 bytes)"),
        ("folder-link/reconcile.yaml", f"no such file at {head.commit[:7]}"),
        ("sub", "is a submodule, not a regular file"),
        ("sub/x", f"no such file at {head.commit[:7]}"),
        ("state", "is a folder, not a regular file"),
        ("README.md/x", f"no such file at {head.commit[:7]}"),
        ("latin1", "is not UTF-8 (byte 4)"),
        ("no", f"no such file at {head.commit[:7]}"),
    ]
    assert len(repository.read(head, "largest-allowed")) == 1024 * 1024
    assert not (clone / "sub").exists()


def test_an_executable_file_is_a_regular_file(world: GitWorld, clone: Path) -> None:
    (clone / "README.md").chmod(0o755)
    world.git(clone, "commit", "--quiet", "-a", "-m", "Executable")
    repository = world.open(clone)
    assert repository.read(repository.head(), "README.md") == "A project.\n"


def test_a_commit_that_is_not_here(world: GitWorld, clone: Path) -> None:
    with pytest.raises(Refused, match="no commit 1111111"):
        world.open(clone).read(Revision("1" * 40), PINS)


# --- uncommitted, tracked, stamp ------------------------------------------------------------------


def test_what_differs_from_head_is_listed(world: GitWorld, clone: Path) -> None:
    repository = world.open(clone)
    assert repository.uncommitted(["state", "docs"]) == ()
    (clone / PINS).write_text("changed")
    (clone / "state/new ü\n.yaml").write_text("new")
    (clone / "state/staged.yaml").write_text("staged")
    world.git(clone, "add", "state/staged.yaml")
    world.git(clone, "mv", "state/reconcile.yaml", "state/renamed.yaml")
    (clone / "README.md").write_text("elsewhere")
    assert repository.uncommitted(["state"]) == (
        "state/new ü\n.yaml",
        PINS,
        "state/reconcile.yaml",
        "state/renamed.yaml",
        "state/staged.yaml",
    )
    assert repository.uncommitted(["README.md", "docs"]) == ("README.md",)
    assert repository.uncommitted([]) == ()
    assert "README.md" in repository.uncommitted(["."])


def test_a_stash_is_not_a_changed_file(world: GitWorld, clone: Path) -> None:
    (clone / PINS).write_text("changed")
    world.git(clone, "stash", "--quiet")
    world.git(clone, "config", "status.showStash", "true")
    assert world.open(clone).uncommitted(["state"]) == ()


def test_a_touched_file_is_not_a_changed_one(world: GitWorld, clone: Path) -> None:
    os.utime(clone / PINS, (0, 0))
    assert world.open(clone).uncommitted([PINS]) == ()


def test_unmerged_files_are_uncommitted(world: GitWorld, clone: Path) -> None:
    world.git(clone, "checkout", "--quiet", "-b", "other", "HEAD~1")
    world.commit(clone, {"src/main.py": "conflict\n"}, "Conflict")
    with pytest.raises(Exception, match="CONFLICT"):
        world.git(clone, "merge", "main")
    assert world.open(clone).uncommitted(["src"]) == ("src/main.py",)


def test_patterns_in_paths_are_letters(world: GitWorld, clone: Path) -> None:
    (clone / "README.md").write_text("changed")
    repository = world.open(clone)
    assert repository.uncommitted(["R*.md"]) == ()
    assert not repository.tracked("R*.md")
    assert repository.log("R*.md") == ()


def test_tracked_means_a_file_or_something_below_a_folder(world: GitWorld, clone: Path) -> None:
    (clone / "untracked").mkdir()
    (clone / "untracked/file").touch()
    repository = world.open(clone)
    answers = {
        path: repository.tracked(path) for path in ("state", "state/", PINS, "", ".", "untracked", "no")
    }
    assert answers == {
        "state": True,
        "state/": True,
        PINS: True,
        "": True,
        ".": True,
        "untracked": False,
        "no": False,
    }


def test_the_stamp_moves_with_head_and_stays_otherwise(world: GitWorld, clone: Path) -> None:
    repository = world.open(clone)
    stamps = [repository.stamp()]
    for command in (
        ["commit", "--quiet", "--allow-empty", "-m", "Empty"],
        ["checkout", "--quiet", "-b", "other"],
        ["pack-refs", "--all"],
        ["reset", "--quiet", "--soft", "HEAD~1"],
        ["checkout", "--quiet", "--detach"],
    ):
        world.git(clone, *command)
        stamps.append(repository.stamp())
        assert repository.stamp() == stamps[-1]
    assert len(set(stamps)) == len(stamps)


# --- history and names ----------------------------------------------------------------------------


def test_history_has_subjects_authors_times_and_trailers(world: GitWorld, clone: Path) -> None:
    trailers = "Reconcile-Blocked: web=1.2\nReconcile-Reason: a\n  long one: yes\n"
    message = f"Roll back web\n\nIt failed.\x1f\x1e\n\n{trailers}"
    commit = world.commit(
        clone, {PINS: pins(cache="2.0.0")}, message, GIT_COMMITTER_DATE="2026-01-02T03:04:05+0200"
    )
    newest, oldest = world.open(clone).log(PINS)
    assert (newest.id, newest.subject, newest.author) == (commit, "Roll back web", "Ada")
    assert newest.at == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert newest.trailers == (("Reconcile-Blocked", "web=1.2"), ("Reconcile-Reason", "a long one: yes"))
    assert (oldest.subject, oldest.trailers) == ("Pin everything", ())
    assert world.open(clone).log(PINS, limit=1) == (newest,)
    assert world.open(clone).log("no/such/file") == ()
    assert len(world.open(clone).log("")) == 4


def test_every_commit_counts_where_no_path_is_named(world: GitWorld, clone: Path) -> None:
    """Those that changed nothing as well: git itself leaves them out of the history of a folder."""
    world.git(
        clone, "commit", "--quiet", "--allow-empty", "-m", "Approve\n\nReconcile-Approve: production abc"
    )
    for path in ("", "."):
        newest, *older = world.open(clone).log(path)
        assert (newest.subject, newest.trailers) == ("Approve", (("Reconcile-Approve", "production abc"),))
        assert [commit.subject for commit in older] == ["Say hello", "Pin everything", "Begin"]
    assert len(world.open(clone).log("", limit=2)) == 2
    assert [commit.subject for commit in world.open(clone).log("state")] == ["Pin everything"]


def test_equal_ids_are_equal_contents(world: GitWorld, clone: Path) -> None:
    repository = world.open(clone)
    first, paths = repository.head(), (PINS, "state", "docs/a b/ü.md", "no/such", "README.md")
    before = repository.ids(first, paths)
    assert before == {
        path: world.git(clone, "rev-parse", f"HEAD:{path}") for path in paths if path != "no/such"
    }
    world.commit(clone, {PINS: pins(cache="2.0.0")}, "Move")
    after = world.open(clone).ids(world.open(clone).head(), paths)
    assert {path for path in before if before[path] != after[path]} == {PINS, "state"}
    assert repository.ids(first, paths) == before
    assert repository.ids(first, ()) == {}


def test_ids_of_a_commit_that_is_not_here(world: GitWorld, clone: Path) -> None:
    with pytest.raises(Refused):
        world.open(clone).ids(Revision("0" * 40), (PINS,))


def test_who_commits_here(world: GitWorld, clone: Path) -> None:
    assert world.open(clone).person() == "Ada"
    named = GitRepository.discover(clone, environ={**world.environ, "GIT_AUTHOR_NAME": "Bob"})
    assert named.person() == "Bob"
    (world.home / ".gitconfig").write_text("")
    assert world.open(clone).person() == ""


def test_history_goes_by_ancestry_whatever_the_dates(world: GitWorld, clone: Path) -> None:
    """G-22: a clock that was ahead, then behind; the side branch is older by its date only."""
    dates = ["2099-01-01T00:00:00Z", "1999-01-01T00:00:00Z", "2050-01-01T00:00:00Z", "2001-01-01T00:00:00Z"]
    for number, date in enumerate(dates):
        world.commit(
            clone, {"count": f"{number}\n"}, f"Number {number}", GIT_COMMITTER_DATE=date, GIT_AUTHOR_DATE=date
        )
    log = world.open(clone).log("count")
    assert [commit.subject for commit in log] == ["Number 3", "Number 2", "Number 1", "Number 0"]
    assert [commit.at.year for commit in log] == [2001, 2050, 1999, 2099]
    assert world.open(clone).head().subject == "Number 3"


def test_a_date_beyond_all_calendars_is_still_a_date(world: GitWorld, clone: Path) -> None:
    when = "@99999999999999 +0000"
    world.commit(clone, {"x": "1\n"}, "Far away", GIT_COMMITTER_DATE=when)
    assert world.open(clone).log("x")[0].at - datetime(9999, 12, 31, tzinfo=UTC) < timedelta(days=1)


def test_a_shallow_clone_reads_like_any_other(world: GitWorld) -> None:
    """G-06."""
    origin = world.origin()
    clone = world.clone(origin, "shallow", "--depth", "1")
    repository = world.open(clone)
    assert repository.shallow
    assert not world.open(world.clone(origin, "full")).shallow
    assert repository.read(repository.head(), PINS) == pins()
    assert [commit.subject for commit in repository.log(PINS)] == ["Say hello"]
    with pytest.raises(Refused, match=r"no commit \w+~1") as caught:
        repository.resolve("HEAD~1")
    assert "unshallow" in caught.value.hint


def test_names_that_people_type(world: GitWorld, clone: Path) -> None:
    repository = world.open(clone)
    head = repository.head()
    parent = world.git(clone, "rev-parse", "HEAD~1")
    world.git(clone, "tag", "-a", "-m", "A release", "v1.0", "HEAD~1")
    for name in (
        "main",
        "HEAD",
        head.commit,
        head.commit[:7],
        head.commit[:4],
        "refs/heads/main",
        "origin/main",
    ):
        assert repository.resolve(name).commit == head.commit, name
    for name in (
        "HEAD~1",
        "main~1",
        "HEAD^",
        "main^1",
        "v1.0",
        "refs/tags/v1.0",
        parent[:9],
        f"{head.commit[:9]}~",
    ):
        assert repository.resolve(name).commit == parent, name
    assert repository.resolve("main").branch == "main"
    assert repository.resolve("main~1") == Revision(parent, "", "Pin everything", "Ada")
    world.git(clone, "checkout", "--quiet", "--detach")
    world.git(clone, "branch", "--quiet", "-D", "main")
    assert repository.resolve("main").commit == head.commit, "from refs/remotes/origin/main"


def test_branches_come_before_tags_and_both_before_ids(world: GitWorld, clone: Path) -> None:
    """G-21."""
    repository = world.open(clone)
    head, parent = repository.head().commit, world.git(clone, "rev-parse", "HEAD~1")
    world.git(clone, "tag", "main", "HEAD~1")
    world.git(clone, "branch", head[:7], "HEAD~1")
    world.git(clone, "update-ref", f"refs/heads/{head}", parent)
    world.git(clone, "update-ref", "refs/heads/-x", parent)
    assert repository.resolve("main").commit == head
    assert repository.resolve("refs/tags/main").commit == parent
    assert repository.resolve(head[:7]).commit == parent, "a branch that looks like an id"
    assert repository.resolve(head).commit == head, "a full id is never a branch"
    assert repository.head() == Revision(head, "main", "Say hello", "Ada")
    with pytest.raises(Refused, match="not the name of a revision"):
        repository.resolve("-x")


def test_a_branch_called_dash_can_be_read(world: GitWorld, clone: Path) -> None:
    """G-21: such a name is legal, and HEAD may be on it."""
    world.git(clone, "update-ref", "refs/heads/-x", "HEAD")
    world.git(clone, "symbolic-ref", "HEAD", "refs/heads/-x")
    repository = world.open(clone)
    assert repository.head().branch == "-x"
    assert repository.read(repository.head(), PINS) == pins()


@pytest.mark.parametrize(
    "name", ["nothing", "deadbeef", "v9-1-gHEAD", "main~99", "1" * 40, "refs/heads/nothing"]
)
def test_nothing_is_called_that(world: GitWorld, clone: Path, name: str) -> None:
    with pytest.raises(Refused, match=r"called|no commit"):
        world.open(clone).resolve(name)


def test_the_describe_notation_is_not_a_name(world: GitWorld, clone: Path) -> None:
    abbreviated = world.git(clone, "rev-parse", "--short=8", "HEAD")
    with pytest.raises(Refused, match="called"):
        world.open(clone).resolve(f"v1.0-3-g{abbreviated}")


def test_the_name_of_a_tree_is_not_a_revision(world: GitWorld, clone: Path) -> None:
    with pytest.raises(Refused):
        world.open(clone).resolve(world.git(clone, "rev-parse", "HEAD^{tree}")[:9])


# --- upstream -------------------------------------------------------------------------------------


def test_the_upstream_is_where_the_branch_is_pushed(world: GitWorld, clone: Path) -> None:
    assert world.open(clone).upstream() == "main"
    world.git(clone, "checkout", "--quiet", "-b", "mine", "--track", "origin/main")
    assert world.open(clone).upstream() == "main"
    world.git(clone, "checkout", "--quiet", "-b", "new", "--no-track")
    assert world.open(clone).upstream() == "new"
    world.git(clone, "checkout", "--quiet", "--detach")
    assert world.open(clone).upstream() == ""


def test_without_a_remote_there_is_no_upstream(world: GitWorld) -> None:
    alone = world.init("alone")
    world.commit(alone, {"x": "y"}, "Begin")
    assert world.open(alone).upstream() == ""


def test_the_adapter_obeys_the_port(world: GitWorld, clone: Path) -> None:
    from reconciler.ports import Repository

    repository: Repository = world.open(clone)
    assert isinstance(repository, GitRepository)
