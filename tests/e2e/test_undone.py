"""I-5: the checker finds every other way in which a release could be undone in Git."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.undone import undone

OLD, NEW = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
PINS = "state/production/compose.pins.yaml"
TEXT = "# Released by CI\nservices:\n  web:\n    image: web:1@{web}\n  worker:\n    image: web:1@{worker}\n"


class Remote:
    """A repository with a release of `web` at the tip, and somebody who undoes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / PINS).parent.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("Release 1", TEXT.format(web=OLD, worker=OLD))
        self.release = self.commit("Release 2", TEXT.format(web=NEW, worker=OLD))

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        command = ["git", *who, "-C", str(self.path), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def commit(self, message: str, text: str) -> str:
        (self.path / PINS).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def undo(self, text: str = TEXT.format(web=OLD, worker=OLD), of: str = "") -> None:
        self.commit(f"Roll back\n\nReconcile-Rollback-Of: {of or self.release}", text)

    def judged(self) -> str:
        running = {"web": frozenset({OLD}), "worker": frozenset({OLD})}
        return "\n".join(undone(self.path, self.release, running))


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return Remote(tmp_path / "remote")


def test_i_5_one_commit_that_changes_one_image_is_good(remote: Remote) -> None:
    remote.undo()
    remote.commit("What a person does afterwards", TEXT.format(web=NEW, worker=NEW))
    assert remote.judged() == ""


def test_i_5_no_commit_or_two_are_found(remote: Remote) -> None:
    assert "0 commits undo" in remote.judged()
    remote.undo(of="f" * 40)
    assert "0 commits undo" in remote.judged()
    remote.undo()
    remote.undo()
    assert "2 commits undo" in remote.judged()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT.format(web=NEW, worker=OLD), "Git pins web"),
        (TEXT.format(web=OLD, worker=NEW), "Git pins worker"),
        (TEXT.format(web=OLD, worker=OLD).replace("# ", "#"), "line 1 of .* changed in more than its image"),
        (TEXT.format(web=OLD, worker=OLD).replace("image: w", "image:  w", 1), "line 4 of"),
        (TEXT.format(web=OLD, worker=OLD).replace("\n", " # 1\n"), "line 4 of"),
        (TEXT.format(web=OLD, worker=OLD).rstrip(), "line 6 of"),
        (TEXT.format(web=OLD, worker=OLD) + "\n", "had 6 lines and has 7"),
        ("services: {}\n", "had 6 lines and has 1"),
    ],
)
def test_i_5_another_text_is_found(remote: Remote, text: str, said: str) -> None:
    remote.undo(text)
    assert re.search(said, remote.judged())


def test_i_5_another_file_and_another_mode_are_found(remote: Remote) -> None:
    (remote.path / "README.md").touch()
    (remote.path / PINS).chmod(0o755)
    remote.undo()
    assert "also touches README.md" in remote.judged()
    assert f"changes the mode of {PINS}" in remote.judged()
