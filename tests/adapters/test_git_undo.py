"""A rollback in Git, over file:// and HTTP: races, refusals, lost answers. Faults G-11, 12, 14, 16."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.adapters.git import GitRepository, Patience
from reconciler.errors import PermissionRefused, RepositoryFailed, RepositoryUnreachable, Stale
from reconciler.ports import Edit
from tests.bed.git_remote import MESSAGE, REVIEW, Remote, expect_one_scalar, local_state, undo
from tests.bed.git_server import Part
from tests.bed.git_world import PINS, SERVICES, GitWorld, pins, with_tag, yielding_to_people


@pytest.fixture(params=["file", "http"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Remote]:
    with Remote.new(GitWorld.new(tmp_path), request.param) as remote:
        yield remote


@pytest.fixture
def over_http(tmp_path: Path) -> Iterator[Remote]:
    with Remote.new(GitWorld.new(tmp_path), "http") as remote:
        yield remote


BOTH_MODES = pytest.mark.parametrize(("push", "base"), [("main", ""), (REVIEW, "main")])
MOMENTS = pytest.mark.parametrize("moment", ["derive", Part.OFFER_PUSH, Part.PUSH])


# --- what is written ------------------------------------------------------------------------------


@BOTH_MODES
def test_exactly_one_blob_differs_by_exactly_one_scalar(remote: Remote, push: str, base: str) -> None:
    before = remote.tip()
    revision = remote.world.open(remote.clone()).commit(undo("cache"), MESSAGE, push=push, base=base)
    assert (revision.commit, revision.branch) == (remote.tip(push), push)
    assert remote.world.git(remote.bare, "rev-parse", f"{push}~1") == before
    expect_one_scalar(remote, push, before, pins(cache="0.9.0"))
    assert remote.world.git(remote.bare, "log", "-1", "--format=%B", push).strip() == MESSAGE


@BOTH_MODES
@pytest.mark.parametrize("checkout", ["depth 1", "one branch", "detached", "detached without names"])
def test_any_checkout_that_ci_leaves(remote: Remote, push: str, base: str, checkout: str) -> None:
    """G-12: with a commit that arrived since, and that a depth-1 clone knows nothing of."""
    clone = _ci_checkout(remote, checkout)
    before = remote.world.push_from_elsewhere(remote.bare, {"src/more.py": "more\n"}, "Theirs")
    detached = remote.world.git(clone, "rev-parse", "HEAD") if "detached" in checkout else ""
    remote.world.open(clone).commit(undo("cache"), MESSAGE, push=push, base=base)
    expect_one_scalar(remote, push, before, pins(cache="0.9.0"))
    assert remote.subjects(push)[:2] == ["Roll back production", "Theirs"]
    assert not detached or remote.world.git(clone, "rev-parse", "HEAD") == detached
    assert remote.world.git(remote.bare, "fsck", "--strict") == ""


def test_repeated_and_long_trailers_come_back_in_order(remote: Remote) -> None:
    reason = ("backend@sha256:ab12: GET http://user@host:3001/health answered 500; Time: 12:30 " * 4)[:300]
    body = "It failed:\n---\nKey: not a trailer"
    blocked = [("Reconcile-Blocked", f"{name}@sha256:{name.encode().hex():0>64}") for name in SERVICES]
    expected = (
        ("Reconcile-Environment", "production"),
        ("Reconcile-Rollback-Of", "1" * 40),
        *blocked,
        ("Reconcile-Reason", reason.strip()),
        ("Reconcile-Reason", "two\u2028Reconcile-Blocked: forged\x85Reconcile-Blocked: forged"),
    )
    lines = "\n".join(f"{key}: {value}" for key, value in expected)
    clone = remote.clone()
    remote.world.git(clone, "config", "trailer.separators", "=")
    repository = remote.world.open(clone)
    repository.commit(undo("cache"), f"Roll back\n\n{body}\n\n{lines}\n", push="main")
    assert repository.log(PINS, limit=1)[0].trailers == expected


# --- others at work -------------------------------------------------------------------------------


@MOMENTS
def test_a_neighbour_moves_meanwhile_and_both_land(over_http: Remote, moment: str) -> None:
    naps: list[float] = []
    with _meanwhile(over_http, moment, {PINS: pins(worker="3.0.0")}) as edits:
        over_http.world.open(over_http.clone(), naps=naps).commit(edits("cache"), MESSAGE, push="main")
    assert over_http.subjects()[:2] == ["Roll back production", "Theirs"]
    assert over_http.world.show(over_http.bare, "main", PINS) == pins(worker="3.0.0", cache="0.9.0")
    assert len(naps) == 1


@MOMENTS
def test_the_person_who_moves_the_pin_meanwhile_wins(over_http: Remote, moment: str) -> None:
    """G-11: nothing of ours is pushed."""
    clone = over_http.clone()
    with (
        _meanwhile(over_http, moment, {PINS: pins(cache="1.0.1")}) as edits,
        pytest.raises(Stale, match="moved meanwhile"),
    ):
        over_http.world.open(clone).commit(edits("cache"), MESSAGE, push="main")
    assert over_http.subjects()[:2] == ["Theirs", "Say hello"]
    assert over_http.world.show(over_http.bare, "main", PINS) == pins(cache="1.0.1")


@BOTH_MODES
def test_six_writers_lose_nothing(remote: Remote, push: str, base: str) -> None:
    """With a base they all want to be the one who begins the branch."""
    clones = {service: remote.clone(service, "--depth", "1") for service in SERVICES}

    def write(service: str) -> None:
        # More attempts than there are other writers: each of them can only be in the way of one push.
        repository = GitRepository.discover(
            clones[service], environ=remote.world.environ, patience=Patience(attempts=40)
        )
        for tag in ("0.8.0", "0.9.0"):
            repository.commit([Edit(PINS, with_tag(service, tag))], f"{service} {tag}", push=push, base=base)

    with ThreadPoolExecutor(len(clones)) as writers:
        list(writers.map(write, clones))
    ours = [f"{service} {tag}" for service in SERVICES for tag in ("0.8.0", "0.9.0")]
    assert sorted(remote.subjects(push)[: len(ours)]) == sorted(ours)
    assert remote.subjects(push)[len(ours) :] == ["Say hello", "Pin everything", "Begin"]
    assert remote.world.show(remote.bare, push, PINS) == pins(**dict.fromkeys(SERVICES, "0.9.0"))


# --- the remote says no, or its answer is lost ----------------------------------------------------


@BOTH_MODES
def test_a_protected_branch_says_why_and_nothing_changes(remote: Remote, push: str, base: str) -> None:
    """G-14."""
    remote.world.protect(remote.bare, "protected branch: ask Grace")
    clone, naps = remote.clone(), list[float]()
    before, tip = local_state(remote.world, clone), remote.tip()
    with pytest.raises(RepositoryFailed, match="protected branch: ask Grace"):
        remote.world.open(clone, naps=naps).commit(undo("cache"), MESSAGE, push=push, base=base)
    assert (local_state(remote.world, clone), naps) == (before, [])
    assert (remote.tip(), remote.world.git(remote.bare, "branch", "--list")) == (tip, "* main")


@BOTH_MODES
def test_a_push_whose_answer_is_lost_is_made_once(remote: Remote, push: str, base: str) -> None:
    """G-16: the second try sees that the first one arrived."""
    clone = remote.clone()
    before, tip = local_state(remote.world, clone), remote.tip()
    remote.lose_the_next_answer()
    with pytest.raises(RepositoryUnreachable):
        remote.world.open(clone).commit(undo("cache"), MESSAGE, push=push, base=base)
    assert local_state(remote.world, clone) == before
    with pytest.raises(Stale, match="already"):
        remote.world.open(clone).commit(undo("cache"), MESSAGE, push=push, base=base)
    assert remote.world.git(remote.bare, "rev-list", "--count", f"{tip}..{push}") == "1"
    expect_one_scalar(remote, push, tip, pins(cache="0.9.0"))


@pytest.mark.parametrize("part", [Part.FETCH, Part.PUSH])
def test_a_server_that_stalls_is_left_at_the_deadline(over_http: Remote, part: Part) -> None:
    clone = over_http.clone()
    over_http.world.push_from_elsewhere(over_http.bare, {"README.md": "theirs\n"}, "Theirs")
    before, tip = local_state(over_http.world, clone), over_http.tip()
    over_http.server.stall(part)
    with pytest.raises(RepositoryUnreachable, match="was not done after 3 seconds"):
        over_http.world.open(clone, deadline_seconds=3).commit(undo("cache"), MESSAGE, push="main")
    assert (local_state(over_http.world, clone), over_http.tip()) == (before, tip)
    assert over_http.server.seen[-1] is part


def test_a_wrong_password_is_refused_and_not_shown(over_http: Remote) -> None:
    clone = over_http.clone()
    over_http.world.git(
        clone, "remote", "set-url", "origin", over_http.server.url("origin.git", "robot:wr0ng")
    )
    for push, base in (("main", ""), (REVIEW, "main")):
        with pytest.raises(PermissionRefused) as caught:
            over_http.world.open(clone).commit(undo("cache"), MESSAGE, push=push, base=base)
        assert "wr0ng" not in f"{caught.value!r} {caught.value}"


def _ci_checkout(remote: Remote, kind: str) -> Path:
    if kind == "detached without names":  # only a URL and a commit: no refspec, no branch of any kind
        clone = remote.world.init("ci")
        remote.world.git(clone, "config", "remote.origin.url", remote.url)
        remote.world.git(clone, "fetch", "--quiet", "--depth=1", "origin", remote.tip())
        remote.world.git(clone, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        return clone
    options = ("--single-branch", "--no-tags") if kind == "one branch" else ("--depth", "1")
    clone = remote.clone("ci", *options)
    if kind == "detached":
        remote.world.git(clone, "checkout", "--quiet", "--detach")
        remote.world.git(clone, "branch", "--quiet", "-D", "main")
    return clone


@contextmanager
def _meanwhile(remote: Remote, moment: str, files: dict[str, str]) -> Iterator[Callable[[str], list[Edit]]]:
    """Edits that yield to people, for a push during which a colleague pushes `files` at `moment`."""
    done: list[str] = []

    def push() -> None:
        done.append(remote.world.push_from_elsewhere(remote.bare, files, "Theirs"))

    def edits(service: str) -> list[Edit]:
        def derive(text: str) -> str:
            if moment == "derive" and not done:
                push()
            return yielding_to_people(service, "1.0.0", "0.9.0")(text)

        return [Edit(PINS, derive)]

    if isinstance(moment, Part):
        remote.server.before(moment, push)
    yield edits
    assert len(done) == 1
