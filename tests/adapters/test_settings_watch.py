"""watch.yaml: what is read, and every way to get it wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.git.names import branch_name, path_in_repository, remote_url
from reconciler.adapters.state_files.watch_settings import watching
from reconciler.domain.watching import Managed, Rewritten, Watching
from reconciler.errors import InvalidSettings, Refused
from tests.faults.test_git_managed import HOSTILE

URL = "https://git.test/shop.git"


def refusals(text: str) -> list[str]:
    with pytest.raises(InvalidSettings) as raised:
        watching(text, "watch.yaml")
    return [f"{finding.line}:{finding.column} {finding.message}" for finding in raised.value.findings]


def repository(line: str) -> str:
    return f"version: 1\nrepository:\n  url: {URL}\n  branch: main\n  {line}\n"


def test_the_least_that_can_be_written() -> None:
    assert watching("version: 1\n", "watch.yaml") == Watching(None, 60, 30)


def test_everything_that_can_be_written() -> None:
    text = """
# yaml-language-server: $schema=../schemas/watch.schema.json
version: 1
repository:
  url: git@git.test:team/shop.git
  branch: release/1.x
  path: ./deploy/state
  rewritten: refuse
interval: 5m
poll: 10s
"""
    managed = Managed("git@git.test:team/shop.git", "release/1.x", "deploy/state", Rewritten.REFUSE)
    assert watching(text, "watch.yaml") == Watching(managed, 300, 10)


def test_a_repository_without_anything_else() -> None:
    text = f"version: 1\nrepository: {{url: '{URL}', branch: main}}\n"
    assert watching(text, "watch.yaml").repository == Managed(URL, "main", "state", Rewritten.ACCEPT)


@pytest.mark.parametrize("path", [".", "./"])
def test_the_top_level_is_a_folder_too(path: str) -> None:
    found = watching(repository(f"path: {path}"), "watch.yaml").repository
    assert found is not None
    assert found.path == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1 the file is empty"),
        ("[1]", "1:1 the file is of the wrong kind: a mapping of keys and values is expected"),
        ("interval: 5m\n", "1:1 the file has no 'version'"),
        ("version: 2\n", "1:10 'version': '2' is not supported by this version"),
        ("version: 1\nintervall: 5m\n", "2:1 'intervall' is not a key of the file"),
        ("version: 1\ninterval: 60\n", "2:11 'interval': 60 is read as a number or as true or false"),
        ("version: 1\ninterval: 0s\n", "2:11 'interval': a duration is a whole number above zero"),
        ("version: 1\npoll: 500ms\n", "2:7 'poll': a duration is a whole number above zero"),
        ("version: 1\nrepository:\n", "2:1 'repository' is empty"),
        (f"version: 1\nrepository: {{url: '{URL}'}}\n", "2:1 'repository' has no 'branch'"),
        ("version: 1\nrepository: {branch: main}\n", "2:1 'repository' has no 'url'"),
        (repository("rewritten: follow"), "5:14 'repository.rewritten': 'follow' is none of accept, refuse"),
        (repository("path: ../other"), "5:9 'repository.path': the folder must lie inside the repository"),
        (repository("path: /etc"), "5:9 'repository.path': the folder must lie inside the repository"),
        (repository("token: x"), "5:3 'token' is not a key of 'repository'"),
        (repository("branch: x"), "5:3 "),
    ],
)
def test_what_is_wrong_is_found_where_it_stands(text: str, expected: str) -> None:
    (found,) = refusals(text)
    assert found.startswith(expected)


def test_all_findings_come_at_once() -> None:
    text = "version: 1\nrepository: {url: x, branch: -x, rewritten: maybe}\ninterval: soon\npoll: never\n"
    assert [found.split(" ")[0] for found in refusals(text)] == ["2:19", "2:30", "2:45", "3:11", "4:7"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://git.test/shop.git", "anybody on the way could answer"),
        ("https://robot:s3cret@git.test/shop.git", "a password here could be read by others"),
        ("ext::sh -c touch% x", "use https://host/path"),
        ("file://host/shop.git", "use https://host/path"),
        ("https://git.test/../shop.git", "use https://host/path"),
    ],
)
def test_an_address_that_is_refused_says_why(url: str, words: str) -> None:
    found = refusals(f"version: 1\nrepository: {{url: '{url}', branch: main}}\n")
    assert any(words in one for one in found)


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(InvalidSettings) as raised:
        watching(
            "version: 1\nrepository:\n  url: https://robot:s3cret@git.test/x\n  branch: main\n", "watch.yaml"
        )
    assert "s3cret" not in str(raised.value) + repr(raised.value.findings)


def accepted_by_the_schema(text: str) -> Managed | None:
    try:
        return watching(text, "watch.yaml").repository
    except InvalidSettings:
        return None


@pytest.mark.parametrize("url", [url for url in HOSTILE if url.isprintable()])
def test_an_address_that_git_would_not_be_given_is_found_here(url: str) -> None:
    quoted = url.replace("'", "''")
    assert accepted_by_the_schema(f"version: 1\nrepository: {{url: '{quoted}', branch: main}}\n") is None


ADDRESS = st.from_regex(r"(?:https|http|ssh|file|git)?(?:://)?[a-z:@./\[\]~-]{0,20}", fullmatch=True)
NAME = st.text("abz09-._/@~:^ ", min_size=1, max_size=12)


@given(ADDRESS, NAME, NAME)
def test_what_the_schema_accepts_git_may_be_given(url: str, branch: str, path: str) -> None:
    text = f"version: 1\nrepository: {{url: '{url}', branch: '{branch}', path: '{path}'}}\n"
    managed = accepted_by_the_schema(text)
    if managed is not None:
        remote_url(managed.url)
        branch_name(managed.branch)
        assert not managed.path or path_in_repository(managed.path)


@given(ADDRESS, NAME)
def test_what_git_may_be_given_the_schema_accepts(url: str, branch: str) -> None:
    try:
        remote_url(url)
        branch_name(branch)
    except Refused:
        return
    assert accepted_by_the_schema(f"version: 1\nrepository: {{url: '{url}', branch: '{branch}'}}\n")


def test_the_documented_example_can_be_read() -> None:
    text = (Path(__file__).parents[2] / "docs/watching.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert watching(example, "docs/watching.md") == Watching(
        Managed("git@git.example.org:kompass/deploy.git", "main"), 60, 30
    )
