"""A commit on HEAD's branch: plumbing, compare-and-swap, and what follows in the work tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import InvalidState, Refused, RepositoryFailed, Stale
from reconciler.ports import Edit
from tests.bed.git_world import PINS, GitWorld, image, pins, with_tag


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return GitWorld.new(tmp_path)


@pytest.fixture
def clone(world: GitWorld) -> Path:
    return world.clone(world.origin())


def test_one_scalar_changes_and_nothing_else(world: GitWorld, clone: Path) -> None:
    before, parent = world.tree(clone, "HEAD"), world.git(clone, "rev-parse", "HEAD")
    message = "Roll back search\n\nReconcile-Environment: production"
    revision = world.open(clone).commit([Edit(PINS, with_tag("search", "1.1.0"))], message)
    after = world.tree(clone, "HEAD")
    assert revision == world.open(clone).head()
    assert (revision.branch, revision.subject, revision.author) == ("main", "Roll back search", "Ada")
    assert world.git(clone, "rev-parse", "HEAD~1") == parent
    assert {path for path in before if before[path] != after[path]} == {PINS}
    assert before.keys() == after.keys()
    assert world.show(clone, "HEAD", PINS) == pins(search="1.1.0")
    assert world.git(clone, "log", "-1", "--format=%B").strip() == message
    assert (clone / PINS).read_text() == pins(search="1.1.0")
    assert world.git(clone, "status", "--porcelain") == ""
    assert world.git(clone, "fsck", "--strict") == ""


def test_a_commit_without_edits_changes_nothing_and_says_something(world: GitWorld, clone: Path) -> None:
    (clone / "README.md").write_text("changed\n")
    before, parent = world.git(clone, "rev-parse", "HEAD^{tree}"), world.git(clone, "rev-parse", "HEAD")
    revision = world.open(clone).commit([], "Approve\n\nReconcile-Approve: production abc")
    assert (revision.branch, revision.subject) == ("main", "Approve")
    assert world.git(clone, "rev-parse", "HEAD^{tree}") == before
    assert world.git(clone, "rev-parse", "HEAD~1") == parent
    assert world.git(clone, "status", "--porcelain") == " M README.md"
    assert world.open(clone).log("", limit=1)[0].trailers == (("Reconcile-Approve", "production abc"),)


def test_several_files_and_several_edits_make_one_commit(world: GitWorld, clone: Path) -> None:
    edits = [
        Edit(PINS, with_tag("cache", "2.0.0")),
        Edit("README.md", lambda text: text + "More.\n"),
        Edit(PINS, with_tag("mailer", "2.0.0")),
        Edit("state/reconcile.yaml", lambda text: text),
    ]
    world.open(clone).commit(edits, "Two of three files")
    changed = world.git(clone, "diff", "--name-only", "HEAD~1", "HEAD").splitlines()
    assert changed == ["README.md", PINS]
    assert world.show(clone, "HEAD", PINS) == pins(cache="2.0.0", mailer="2.0.0")


def test_the_mode_and_line_ends_of_a_file_stay(world: GitWorld, clone: Path) -> None:
    world.commit(clone, {"run.sh": "one\r\ntwo\r\n"}, "Script")
    world.git(clone, "update-index", "--chmod=+x", "run.sh")
    world.git(clone, "commit", "--quiet", "-m", "Executable")
    world.git(clone, "config", "core.autocrlf", "input")
    world.open(clone).commit([Edit("run.sh", lambda text: text.replace("two", "three"))], "Three")
    assert world.git(clone, "ls-tree", "HEAD", "run.sh").startswith("100755 ")
    assert world.git(clone, "cat-file", "-p", "HEAD:run.sh") == "one\r\nthree\r"


def test_staged_and_changed_files_of_others_stay(world: GitWorld, clone: Path) -> None:
    (clone / "README.md").write_text("changed\n")
    (clone / "src/main.py").write_text("staged\n")
    world.git(clone, "add", "src/main.py")
    (clone / "untracked").write_text("untracked\n")
    before = world.git(clone, "status", "--porcelain")
    notes: list[str] = []
    world.open(clone, notes=notes).commit([Edit(PINS, with_tag("web", "2.0.0")), *_move("cache")], "Move")
    assert world.git(clone, "status", "--porcelain") == before
    assert (clone / "README.md").read_text() == "changed\n"
    assert (clone / PINS).read_text() == pins(cache="2.0.0")
    assert notes == []


@pytest.mark.parametrize("staged", [True, False])
def test_a_changed_file_keeps_what_a_person_wrote(world: GitWorld, clone: Path, staged: bool) -> None:
    (clone / PINS).write_text("mine\n")
    if staged:
        world.git(clone, "add", PINS)
    notes: list[str] = []
    world.open(clone, notes=notes).commit(_move("cache"), "Move")
    assert (clone / PINS).read_text() == "mine\n"
    assert world.show(clone, "HEAD", PINS) == pins(cache="2.0.0")
    assert len(notes) == 1
    assert notes[0].startswith(f"{PINS} has uncommitted changes")


def test_any_message_is_only_a_message(world: GitWorld, clone: Path) -> None:
    repository = world.open(clone)
    repository.commit(_move("cache"), "--amend \0\ud800 $(x)\n\n# not a comment\n\n\nEnd: yes")
    assert (
        world.git(clone, "log", "-1", "--format=%B").rstrip()
        == "--amend ? $(x)\n\n# not a comment\n\n\nEnd: yes"
    )
    assert repository.log(PINS)[0].trailers == (("End", "yes"),)


def test_nothing_to_change_is_stale(world: GitWorld, clone: Path) -> None:
    head = world.git(clone, "rev-parse", "HEAD")
    with pytest.raises(Stale, match="already"):
        world.open(clone).commit([Edit(PINS, lambda text: text)], "Nothing")
    assert world.git(clone, "rev-parse", "HEAD") == head


def test_a_detached_head_holds_no_commit(world: GitWorld, clone: Path) -> None:
    world.git(clone, "checkout", "--quiet", "--detach")
    with pytest.raises(Refused, match="detached"):
        world.open(clone).commit(_move("cache"), "Move")


def test_not_in_the_middle_of_a_merge(world: GitWorld, clone: Path) -> None:
    (clone / ".git/MERGE_HEAD").write_text(world.git(clone, "rev-parse", "HEAD"))
    with pytest.raises(Refused, match="merge is under way"):
        world.open(clone).commit(_move("cache"), "Move")


def test_a_file_that_is_not_there(world: GitWorld, clone: Path) -> None:
    with pytest.raises(InvalidState, match="no such file"):
        world.open(clone).commit([Edit("state/none.yaml", str.upper)], "Move")


def test_a_commit_that_arrives_meanwhile_stays(world: GitWorld, clone: Path) -> None:
    """G-11, at home: a person commits between our reading and our writing."""
    seen: list[str] = []

    def derive(text: str) -> str:
        if not seen:
            world.commit(clone, {PINS: pins(worker="3.0.0")}, "A person")
        seen.append(text)
        return with_tag("cache", "2.0.0")(text)

    naps: list[float] = []
    world.open(clone, naps=naps).commit([Edit(PINS, derive)], "Move")
    assert world.show(clone, "HEAD", PINS) == pins(worker="3.0.0", cache="2.0.0")
    assert world.git(clone, "log", "-2", "--format=%s").splitlines() == ["Move", "A person"]
    assert (len(seen), naps) == (2, [0.1])
    assert world.git(clone, "status", "--porcelain") == ""


def test_a_person_who_is_always_faster(world: GitWorld, clone: Path) -> None:
    def derive(text: str) -> str:
        world.commit(clone, {"count": f"{(clone / 'count').exists()} {len(naps)}\n"}, "A person")
        return with_tag("cache", "2.0.0")(text)

    naps: list[float] = []
    with pytest.raises(Stale, match="moved by others"):
        world.open(clone, attempts=3, naps=naps).commit([Edit(PINS, derive)], "Move")
    assert naps == [0.1, 0.2]
    assert (clone / PINS).read_text() == pins()


def test_a_stale_index_lock_does_not_stop_a_commit(world: GitWorld, clone: Path) -> None:
    """G-17: the commit is made; the files cannot follow, and a note says so."""
    (clone / ".git/index.lock").touch()
    notes: list[str] = []
    revision = world.open(clone, notes=notes).commit(_move("cache"), "Move")
    assert world.git(clone, "rev-parse", "main") == revision.commit
    assert len(notes) == 1
    assert "index.lock" in notes[0]


def test_a_stale_lock_of_the_branch_stops_it(world: GitWorld, clone: Path) -> None:
    """G-17: nothing has changed, and the lock is named."""
    (clone / ".git/refs/heads/main.lock").touch()
    with pytest.raises(RepositoryFailed, match=r"main\.lock"):
        world.open(clone, attempts=2).commit(_move("cache"), "Move")
    assert (clone / PINS).read_text() == pins()


def test_no_hook_of_the_repository_runs(world: GitWorld, clone: Path, tmp_path: Path) -> None:
    names = (
        "pre-commit",
        "commit-msg",
        "post-commit",
        "reference-transaction",
        "post-index-change",
        "post-checkout",
    )
    for name in names:
        world.hook(clone, name, f"echo {name} >> {tmp_path}/ran; exit 1")
    repository = world.open(clone)
    repository.commit(_move("cache"), "Move")
    repository.uncommitted(["state"])
    assert not (tmp_path / "ran").exists()


def test_nobody_knows_who_commits(world: GitWorld, clone: Path) -> None:
    (world.home / ".gitconfig").write_text("")
    with pytest.raises(RepositoryFailed, match="who commits") as caught:
        world.open(clone).commit(_move("cache"), "Move")
    assert "user.email" in caught.value.hint
    identity = {
        f"GIT_{who}_{what}": f"{who}.{what}@example.org"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    revision = world.open(clone, environ={**world.environ, **identity}).commit(_move("cache"), "Move")
    assert revision.author == "AUTHOR.NAME@example.org"


def test_a_commit_is_signed_where_the_user_signs(world: GitWorld, clone: Path, tmp_path: Path) -> None:
    signer = tmp_path / "signer"
    signer.write_text(
        "#!/bin/sh\ncat > /dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\n"
        "printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nfake\\n-----END PGP SIGNATURE-----\\n'\n"
    )
    signer.chmod(0o755)
    world.git(clone, "config", "gpg.program", str(signer))
    world.git(clone, "config", "commit.gpgSign", "yes")
    world.open(clone).commit(_move("cache"), "Move")
    assert "gpgsig -----BEGIN PGP SIGNATURE-----" in world.git(clone, "cat-file", "-p", "HEAD")
    world.git(clone, "config", "gpg.program", "false")
    with pytest.raises(RepositoryFailed, match="signed"):
        world.open(clone).commit(_move("mailer"), "Move")


def test_variables_of_a_calling_hook_do_not_lead_elsewhere(
    world: GitWorld, clone: Path, tmp_path: Path
) -> None:
    elsewhere = world.init("elsewhere")
    world.commit(elsewhere, {"x": "y"}, "Elsewhere")
    variables = {
        "GIT_DIR": str(elsewhere / ".git"),
        "GIT_WORK_TREE": str(elsewhere),
        "GIT_INDEX_FILE": str(elsewhere / ".git/index"),
        "GIT_OBJECT_DIRECTORY": str(elsewhere / ".git/objects"),
        "GIT_NAMESPACE": "other",
        "GIT_TRACE": str(tmp_path / "trace"),
        "GIT_EXTERNAL_DIFF": "false",
    }
    before = world.tree(elsewhere, "HEAD")
    repository = world.open(clone, environ={**world.environ, **variables})
    assert repository.top == clone
    repository.commit(_move("cache"), "Move")
    assert repository.uncommitted(["state"]) == ()
    assert world.show(clone, "main", PINS) == pins(cache="2.0.0")
    assert (world.tree(elsewhere, "HEAD"), world.git(elsewhere, "status", "--porcelain")) == (before, "")
    assert not (tmp_path / "trace").exists()


def test_a_file_that_a_filter_rewrites_is_committed_as_it_is(world: GitWorld, clone: Path) -> None:
    world.commit(clone, {".gitattributes": "*.yaml text eol=crlf\n"}, "Attributes")
    world.open(clone).commit(_move("cache"), "Move")
    assert world.show(clone, "HEAD", PINS) == pins(cache="2.0.0")


def test_in_a_repository_with_sha256_ids(world: GitWorld) -> None:
    folder = world.root / "sha256"
    world.git(world.root, "init", "--quiet", "--object-format=sha256", str(folder))
    world.commit(folder, {PINS: pins(), "README.md": "Hello.\n"}, "Begin")
    repository = world.open(folder)
    revision = repository.commit(_move("cache"), "Move")
    assert len(revision.commit) == 64
    assert repository.read_many(revision, ["README.md", PINS]) == ("Hello.\n", pins(cache="2.0.0"))
    assert repository.resolve(revision.commit[:9]) == repository.resolve(revision.commit)
    assert repository.log(PINS, limit=1)[0].id == revision.commit


def test_in_a_second_work_tree(world: GitWorld, clone: Path, tmp_path: Path) -> None:
    world.git(clone, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "second"))
    world.open(tmp_path / "second").commit(_move("cache"), "Move")
    assert (tmp_path / "second" / PINS).read_text() == pins(cache="2.0.0")
    assert world.git(tmp_path / "second", "status", "--porcelain") == ""
    assert (clone / PINS).read_text() == pins()
    assert world.git(clone, "status", "--porcelain") == ""


def test_the_pins_carry_their_digest(world: GitWorld, clone: Path) -> None:
    repository = world.open(clone)
    revision = repository.commit(_move("cache"), "Move")
    assert image("cache", "2.0.0") in repository.read(revision, PINS)


def _move(service: str) -> list[Edit]:
    return [Edit(PINS, with_tag(service, "2.0.0"))]
