"""The main job: first deploy, new release, revert, rollback; and a second pass that does nothing."""

from __future__ import annotations

import json

from tests.e2e.origin import settled
from tests.e2e.witness import Witness
from tests.e2e.world import World, await_answer, published

STACK = """
    services:
      web:
        image: web
        ports: ["127.0.0.1:{port}:8080"]
      worker:
        image: web
        restart: always
    """


def deployed(world: World) -> str:
    """A stack at version 1; returns where its web answers."""
    port, url = published()
    world.check("web", f"{url}/health")
    world.stack(STACK.format(port=port), web="web:1", worker="web:1")
    world.once().expect(0)
    return url


def test_a_first_deploy_creates_and_starts_everything(world: World) -> None:
    port, url = published()
    world.check("web", f"{url}/health")
    revision = world.stack(STACK.format(port=port), web="web:1", worker="web:1")
    plan = world.reconcile("plan", "--detailed-exitcode").expect(2)
    assert "2 new" in plan.stdout
    with Witness(world):
        result = world.once().expect(0)
    environment = result.environment
    assert (environment["result"], environment["sync"], environment["health"]) == (
        "converged",
        "synced",
        "healthy",
    )
    assert environment["revision"]["commit"] == revision
    assert [service["change"] for service in environment["services"]] == ["new", "new"]
    await_answer(url, "version=1")
    assert sorted(world.marks()) == [f"{world.project}-web-1", f"{world.project}-worker-1"]


def test_a_new_release_replaces_only_what_it_pins(world: World) -> None:
    url = deployed(world)
    worker = world.container("worker").mark
    world.release(web="web:2")
    with Witness(world, url) as witness:
        result = world.once().expect(0)
    assert witness.versions == ("version=1", "version=2"), "never two versions in turn"
    assert result.service("web")["change"] == "change"
    assert result.service("web")["cause"] == "1 → 2"
    assert result.service("worker")["change"] == "none"
    assert world.container("worker").mark == worker
    assert world.container("web").image == world.images.pinned("web:2")


def test_a_second_pass_says_no_changes_and_touches_nothing(world: World) -> None:
    deployed(world)
    before = world.marks()
    for arguments in (["--once"], ["plan"], ["plan", "--detailed-exitcode"]):
        result = world.reconcile(*arguments).expect(0)
        assert result.stdout.startswith("No changes. production matches main@"), result.said
    assert world.once().expect(0).environment["result"] == "no-op"
    assert world.marks() == before


def test_git_revert_and_a_pass_bring_the_old_version_back(world: World) -> None:
    url = deployed(world)
    world.release(web="web:2", worker="web:2")
    world.once().expect(0)
    await_answer(url, "version=2")
    with Witness(world, url):
        world.revert()
        result = world.once().expect(0)
    assert result.service("web")["cause"] == "2 → 1"
    await_answer(url, "version=1")
    assert world.images_of("web", "worker") == ["1", "1"]


def test_rollback_commits_with_trailers_and_converges(world: World) -> None:
    url = deployed(world)
    release = world.release(web="web:2")
    world.once().expect(0)
    with Witness(world, url) as witness:
        result = world.reconcile("rollback", "production", "-m", "Sign-in fails").expect(0)
        witness.expect_undone(world.repository, release)
    assert "Converged production" in result.stdout
    await_answer(url, "version=1")
    trailers = world.git("log", "-1", "--format=%(trailers:only,unfold)").splitlines()
    assert trailers == [
        "Reconcile-Environment: production",
        f"Reconcile-Rollback-Of: {release}",
        "Reconcile-Reason: Sign-in fails",
    ]
    assert world.git("show", "--numstat", "--format=") == "1\t1\tstate/production/compose.pins.yaml"
    assert world.git("status", "--porcelain") == ""


def test_a_rollback_that_the_checkout_cannot_follow_does_not_release_what_it_took_back(world: World) -> None:
    """HEAD has a commit that nobody pushed, so it cannot be fast-forwarded to the one that was."""
    origin = settled(world)
    origin.release(web="web:2")
    world.once().expect(0)
    world.commit("Not pushed")
    before = world.marks()
    result = world.reconcile("rollback", "production").expect(75)
    assert origin.tags("web") == ["1"]
    assert "nothing was done on the host" in result.stderr
    assert world.marks() == before
    world.git("pull", "--quiet", "--rebase")
    world.once().expect(0)
    assert world.images_of("web") == ["1"]


def test_a_rollback_needs_no_registry(world: World) -> None:
    url = deployed(world)
    world.release(web="web:2")
    world.once().expect(0)
    world.images.registry.stop()
    try:
        with Witness(world, url):
            world.reconcile("rollback", "production").expect(0)
    finally:
        world.images.registry.start()
    await_answer(url, "version=1")


def test_pin_resolves_the_tag_commits_one_line_and_a_pass_runs_it(world: World) -> None:
    url = deployed(world)
    two = world.images.pinned("web:2")
    with Witness(world, url):
        world.reconcile("pin", "production", "web=:2", "-m", "Faster").expect(0)
        assert f"    image: {two}\n" in world.pins_file.read_text()
        assert world.git("show", "--numstat", "--format=") == "1\t1\tstate/production/compose.pins.yaml"
        world.once().expect(0)
    await_answer(url, "version=2")


def test_history_tells_releases_and_rollbacks(world: World) -> None:
    deployed(world)
    release = world.release(web="web:2")
    world.reconcile("rollback", "production", "--no-converge", "-m", "Sign-in fails").expect(0)
    document = world.reconcile("history", "-o", "json").expect(0)
    releases = document.environment["releases"]
    assert document.json["kind"] == "history"
    assert [entry["rollback_of"] for entry in releases] == [release, None, None]
    assert releases[0]["reason"] == "Sign-in fails"
    (change,) = releases[1]["changes"]
    assert (change["name"], change["from"]["tag"], change["to"]["tag"]) == ("web", "1", "2")
    only = world.reconcile("history", "--rollbacks", "-o", "json").expect(0)
    assert len(only.environment["releases"]) == 1


def test_several_environments_end_with_the_most_severe_code(world: World) -> None:
    """One fails, the other one is converged all the same."""
    url = deployed(world)
    world.pins["web"] = world.images.pinned("web:2")
    world.commit()
    other = {"version": 1, "environments": {"production": world.settings, "staging": _missing(world)}}
    (world.state / "reconcile.yaml").write_text(json.dumps(other))
    world.git("commit", "--all", "--quiet", "-m", "Add an environment")
    with Witness(world, url, again=False):
        result = world.once().expect(65)
    codes = {each["name"]: (each["exit_code"], each["result"]) for each in result.json["environments"]}
    assert codes == {"production": (0, "converged"), "staging": (65, "failed")}
    assert world.images_of("web") == ["2"]


def _missing(world: World) -> dict[str, object]:
    return {"project": f"{world.project}-staging", "directory": "../app", "compose": ["nowhere.yml"]}
