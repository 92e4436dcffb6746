"""Files and repositories that cannot be used: a clear message, the documented code, nothing touched."""

from __future__ import annotations

import shutil

import pytest

from tests.bed.tools import BedError
from tests.e2e.world import World


@pytest.fixture
def deployed(world: World) -> World:
    """A world of the test's own, in which version 1 runs."""
    world.stack("services: {web: {image: web}}", web="web:1")
    world.once().expect(0)
    return world


def test_uncommitted_changes_are_refused_and_listed(untouched: World) -> None:
    world = untouched
    file = world.app / "docker-compose.yml"
    file.write_text(file.read_text() + "# half an idea\n")
    world.pins_file.write_text(world.pins_file.read_text() + "# half an idea\n")
    (world.state / "notes.txt").write_text("untracked\n")
    result = world.once().expect(65)
    found = [finding["path"] for finding in result.environment["error"]["findings"]]
    assert found == ["app/docker-compose.yml", "state/notes.txt", "state/production/compose.pins.yaml"]
    assert "--allow-dirty" in result.environment["error"]["hint"]
    world.reconcile("plan").expect(65)
    (world.repository / "README.md").write_text("None of our business.\n")
    world.git("checkout", "--", "app", "state")
    (world.state / "notes.txt").unlink()
    world.settle()


def test_allow_dirty_reads_what_lies_there_and_says_so(deployed: World) -> None:
    world = deployed
    world.pins_file.write_text(world.pins_file.read_text().replace(*_both(world)))
    result = world.once("--allow-dirty").expect(0)
    assert result.environment["revision"]["dirty"] is True
    assert result.environment["revision"]["short"].endswith("+")
    assert world.images_of("web") == ["2"]


def _both(world: World) -> tuple[str, str]:
    return world.images.pinned("web:1"), world.images.pinned("web:2")


def test_pin_and_rollback_never_overwrite_a_half_edited_file(untouched: World) -> None:
    world = untouched
    world.images.pinned("web:2")
    mine = world.pins_file.read_text() + "# half an idea\n"
    world.pins_file.write_text(mine)
    head = world.git("rev-parse", "HEAD")
    world.reconcile("pin", "production", "web=:2").expect(65)
    assert world.pins_file.read_text() == mine
    assert world.git("rev-parse", "HEAD") == head


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("services: {web: {image: web, prots: [a]}}", "prots"),
        ("services: [\n", "yaml"),
        ("services: {web: {image: web, depends_on: [nowhere]}}", "nowhere"),
        ("services: {web: {image: 'web:${TAG:?TAG must be set}'}}", "TAG must be set"),
        ("services: {web: {image: web, env_file: gone.env}}", "gone.env"),
        ("services: {a: {image: web, depends_on: [b]}, b: {image: web, depends_on: [a]}}", "cycle"),
    ],
    ids=["unknown-key", "no-yaml", "dangling", "variable", "no-env-file", "cycle"],
)
def test_an_invalid_compose_file_is_named(untouched: World, text: str, words: str) -> None:
    world = untouched
    world.stack(text)
    result = world.once().expect(65)
    (finding,) = result.environment["error"]["findings"]
    assert finding["path"] == str(world.app / "docker-compose.yml")
    assert words in finding["message"]


def test_a_missing_compose_file_is_named(untouched: World) -> None:
    world = untouched
    world.settings["compose"] = ["docker-compose.yml", "docker-compose.production.yml"]
    world.commit()
    result = world.once().expect(65)
    (finding,) = result.environment["error"]["findings"]
    assert finding["path"] == "docker-compose.production.yml"


def test_a_pin_of_an_unknown_service_has_its_line(untouched: World) -> None:
    world = untouched
    world.release(wbe="web:2")
    result = world.once().expect(65)
    (finding,) = result.environment["error"]["findings"]
    assert (finding["path"], finding["line"], finding["column"]) == (
        "state/production/compose.pins.yaml",
        2,
        3,
    )
    assert "web" in finding["hint"]


@pytest.mark.parametrize("text", ["", "services:\n  web:\n    ima"], ids=["empty", "truncated"])
def test_an_emptied_or_truncated_pins_file_stops_nothing(untouched: World, text: str) -> None:
    world = untouched
    world.settings["prune"] = True
    world.commit()
    world.pins_file.write_text(text)
    world.git("commit", "--all", "--quiet", "-m", "Oops")
    world.once().expect(65)


def test_an_emptied_compose_file_stops_nothing(untouched: World) -> None:
    world = untouched
    world.settings["prune"] = True
    world.pins = {}
    world.stack("")
    world.once().expect(65)


def test_an_invalid_settings_file_has_its_code_and_line(untouched: World) -> None:
    world = untouched
    world.settings["prjoect"] = "x"
    world.commit()
    result = world.reconcile("--once").expect(78)
    assert "state/reconcile.yaml:" in result.stderr
    assert "prjoect" in result.stderr


def test_an_environment_that_does_not_exist_is_a_usage_error(untouched: World) -> None:
    result = untouched.reconcile("--once", "-e", "producton").expect(64)
    assert "there is no environment 'producton'" in result.stderr
    assert "production" in result.stderr
    untouched.reconcile("plan", "staging").expect(64)
    untouched.reconcile("rollback", "staging").expect(64)


def test_a_project_directory_that_is_not_there_is_named(untouched: World) -> None:
    world = untouched
    world.settings["directory"] = "../nowhere"
    world.commit()
    result = world.reconcile("--once").expect(78)
    assert str(world.repository / "nowhere") in result.said


# -- Git ------------------------------------------------------------------------------------------


def test_a_shallow_clone_works(deployed: World) -> None:
    """The default of CI check-outs, where `git revert` deletes every file."""
    world = deployed
    world.release(web="web:2")
    shallow = world.root / "shallow"
    world.git("clone", "--quiet", "--depth=1", f"file://{world.repository}", str(shallow))
    world.reconcile("--once", folder=shallow).expect(0)
    assert world.images_of("web") == ["2"]
    result = world.reconcile("rollback", "production", "--no-push", folder=shallow)
    assert result.code == 64, "what ran before is not in this clone, and it says so"
    assert world.git("status", "--porcelain", folder=shallow) == ""


def test_a_detached_head_works(deployed: World) -> None:
    world = deployed
    world.release(web="web:2")
    world.git("checkout", "--quiet", "--detach")
    result = world.once().expect(0)
    assert result.environment["revision"]["branch"] is None
    assert world.images_of("web") == ["2"]


def test_a_bare_repository_is_explained(untouched: World) -> None:
    world = untouched
    bare = world.root / "bare.git"
    world.git("clone", "--quiet", "--bare", str(world.repository), str(bare))
    shutil.copytree(world.state, bare / "state")
    assert "bare repository" in world.reconcile("--once", folder=bare).expect(69).stderr


def test_a_folder_without_a_repository_is_explained(untouched: World) -> None:
    world = untouched
    shutil.copytree(world.app, world.root / "copy" / "app")
    shutil.copytree(world.state, world.root / "copy" / "state")
    result = world.reconcile("--once", folder=world.root / "copy").expect(69)
    assert "is not in a Git repository" in result.stderr


def test_a_repository_without_commits_is_explained(untouched: World) -> None:
    world = untouched
    fresh = world.root / "fresh"
    shutil.copytree(world.state, fresh / "state")
    world.git("init", "--quiet", str(fresh))
    assert "no commit" in world.reconcile("--once", folder=fresh).expect(69).stderr


def test_a_merge_that_is_under_way_is_explained(untouched: World) -> None:
    world = untouched
    world.git("checkout", "--quiet", "-b", "other")
    world.release(web="web:2")
    world.git("checkout", "--quiet", "main")
    world.release(web="web:3")
    with pytest.raises(BedError, match="CONFLICT"):
        world.git("merge", "other")
    assert "A merge is under way" in world.reconcile("--once").expect(64).stderr


def test_a_state_folder_that_is_a_symlink_out_of_the_repository_is_refused(untouched: World) -> None:
    world = untouched
    outside = world.root / "outside"
    shutil.move(world.state, outside)
    world.state.symlink_to(outside)
    world.git("add", "--all")
    world.git("commit", "--quiet", "-m", "Link the state")
    result = world.reconcile("--once").expect(69)
    assert "is not in a Git repository" in result.stderr


def test_a_pins_file_that_is_a_symlink_is_refused(untouched: World) -> None:
    world = untouched
    outside = world.root / "outside.yaml"
    outside.write_text(world.pins_file.read_text().replace(*_both(world)))
    world.pins_file.unlink()
    world.pins_file.symlink_to(outside)
    world.git("add", "--all")
    world.git("commit", "--quiet", "-m", "Link the pins")
    result = world.reconcile("--once").expect(65)
    assert "symbolic link" in result.said or "symlink" in result.said


def test_a_compose_file_that_leads_out_of_its_directory_is_refused(untouched: World) -> None:
    world = untouched
    outside = world.root / "outside.yml"
    outside.write_text("services: {web: {image: web, labels: [a=b]}}\n")
    (world.app / "docker-compose.yml").unlink()
    (world.app / "docker-compose.yml").symlink_to(outside)
    world.commit()
    result = world.once().expect(65)
    assert "leads out of" in result.environment["error"]["findings"][0]["message"]


def test_a_service_that_asks_for_the_host_is_refused_until_the_host_allows_it(deployed: World) -> None:
    world = deployed
    before = world.marks()
    world.stack("services: {web: {image: web, pid: host}}")
    result = world.once().expect(77)
    assert "host-pid" in result.environment["error"]["problem"]
    assert world.marks() == before
    world.once(environ={"RECONCILE_ALLOW": "production/web:host-pid"}).expect(0)
    assert world.container("web").content["HostConfig"]["PidMode"] == "host"
