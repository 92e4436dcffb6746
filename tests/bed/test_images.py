"""The controllable image: one test for each way in which it misbehaves when told to."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tests.bed.running import Running, ask, get
from tests.bed.tools import docker, wait_until
from tests.images.build import build

MIB = 1024 * 1024
EMAIL, PASSWORD = "ada+probe@example.org", "50 % & more"


@pytest.fixture(scope="module")
def web() -> str:
    build("reconcile-bed/web:images", version="images")
    return "reconcile-bed/web:images"


@pytest.fixture
def door(web: str) -> Iterator[str]:
    """The URL of a server into which somebody may sign in."""
    with Running(web, LOGIN_EMAIL=EMAIL, LOGIN_PASSWORD=PASSWORD) as running:
        yield running.url


def seconds(url: str) -> float:
    before = time.monotonic()
    assert get(url)[0] == 200
    return time.monotonic() - before


def memory(container: str) -> int:
    """Bytes that a container uses without page cache, as `docker stats` counts on cgroup v1 and v2."""
    from docker import APIClient

    client = APIClient(base_url=os.environ["DOCKER_HOST"], version="auto")
    try:
        used = client.stats(container, stream=False, one_shot=True)["memory_stats"]
    finally:
        client.close()
    detail = used["stats"]
    return int(used["usage"] - detail.get("total_inactive_file", detail.get("inactive_file")))


def state(container: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(docker("inspect", "--format", "{{json .State}}", container))
    return found


def test_it_answers_late(web: str) -> None:
    """By a bound from below for each answer, and one from above for the quickest: load makes neither fail."""
    with Running(web, DELAY_MS="100") as slow, Running(web, DELAY_MS="110") as slower:
        quick, late = ([seconds(f"{one.url}/health") for _ in range(10)] for one in (slow, slower))
    assert 0.100 <= min(quick) < 0.110 <= min(late)


def test_every_nth_answer_is_an_error(web: str) -> None:
    with Running(web, ERROR_RATE="30") as running:
        said = [get(f"{running.url}{path}")[0] for _ in range(10) for path in ("/", "/health")]
    assert said == [200, 200, 200, 500, 200, 200, 500, 200, 200, 500] * 2


def test_the_health_changes_its_mind(web: str) -> None:
    with Running(web, STATUS_AFTER="2", STATUS_LATER="503") as running:
        assert get(f"{running.url}/health")[0] == 200
        wait_until(lambda: get(f"{running.url}/health")[0] == 503, seconds=10, what="a late failure")
        assert get(running.url)[0] == 200


def test_it_leaks_memory(web: str) -> None:
    with Running(web, LEAK_KB_PER_S="20480") as running:
        before = memory(running.id)
        wait_until(lambda: memory(running.id) > before + 20 * MIB, seconds=15, what="20 MiB more")


def test_it_takes_memory_and_keeps_it(web: str) -> None:
    with Running(web, EAT_MB="64") as running:
        wait_until(lambda: memory(running.id) > 64 * MIB, seconds=10, what="64 MiB")
        assert get(running.url)[0] == 200


@pytest.mark.parametrize("switches", [{}, {"EAT_AFTER": "0.5"}], ids=["at-once", "later"])
def test_it_is_killed_for_its_memory(web: str, switches: dict[str, str]) -> None:
    running = Running(web, "--memory=24m", EAT_MB="64", **switches)
    try:
        wait_until(lambda: state(running.id)["Status"] == "exited", seconds=15, what="the end")
        ended = state(running.id)
        assert (ended["OOMKilled"], ended["ExitCode"]) == (True, 137)
    finally:
        docker("rm", "--force", running.id)


def test_it_keeps_complaining_and_no_two_lines_are_equal(web: str) -> None:
    switches = {"LOG_START": r"WARN one\nWARN two", "LOG_EVERY": "0.05", "LOG_LINE": 'ERROR no "db"'}

    def lines() -> list[str]:
        done = subprocess.run(["docker", "logs", running.id], capture_output=True, text=True, check=True)
        return done.stderr.splitlines()

    with Running(web, **switches) as running:
        wait_until(lambda: len(lines()) >= 5, seconds=10, what="five lines")
        said = lines()
    assert said[:2] == ["WARN one", "WARN two"]
    pattern = r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ERROR no "db" \(number (\d+), request [0-9a-f-]{36}\)'
    found = [re.fullmatch(pattern, line) for line in said[2:5]]
    assert [one and one[1] for one in found] == ["1", "2", "3"]
    assert len(set(said)) == len(said)


def test_signing_in_gives_a_token_that_opens_the_list(door: str) -> None:
    body = json.dumps({"email": EMAIL, "password": PASSWORD}).encode()
    answer = ask(f"{door}/api/v1/auth/login", data=body, headers={"Content-Type": "application/json"})
    token = json.loads(answer.text)["access_token"]
    assert answer.status == 200
    assert answer.headers["Set-Cookie"].startswith(f"session={token};")
    customers = ask(f"{door}/api/v1/customers", headers={"Authorization": f"Bearer {token}"})
    assert customers.status == 200
    assert len(json.loads(customers.text)) == 2


@pytest.mark.parametrize("wrong", [{"email": "eve@example.org"}, {"password": "guess"}, {"password": ""}])
def test_who_is_not_known_stays_outside(door: str, wrong: dict[str, str]) -> None:
    said = {"email": EMAIL, "password": PASSWORD} | wrong
    assert ask(f"{door}/api/v1/auth/login", data=json.dumps(said).encode()).status == 401
    assert ask(f"{door}/login", data=urlencode(said).encode()).status == 401
    for header in ({}, {"Authorization": "Bearer guess"}, {"Cookie": "session=guess"}):
        assert ask(f"{door}/api/v1/customers", headers=header).status == 401
        assert ask(f"{door}/home", headers=header).status == 401


def test_a_form_gives_a_cookie_and_leads_home(door: str) -> None:
    said = urlencode({"password": PASSWORD, "email": EMAIL}).encode()
    answer = ask(f"{door}/login", data=said)
    assert (answer.status, answer.headers["Location"]) == (303, "/home")
    session = answer.headers["Set-Cookie"].partition(";")[0]
    home = ask(f"{door}/home", headers={"Cookie": f"colour=blue; {session}"})
    assert (home.status, home.text) == (200, "welcome to version=images\n")


def test_signing_in_can_be_broken(web: str) -> None:
    body = json.dumps({"email": "probe@example.org", "password": "right"}).encode()
    with Running(web) as works, Running(web, LOGIN="broken") as broken:
        said = [ask(f"{one.url}/api/v1/auth/login", data=body).status for one in (works, broken)]
        assert get(f"{broken.url}/health")[0] == 200
    assert said == [200, 500]


def test_it_tells_its_version_as_json_and_as_a_header(door: str) -> None:
    version = ask(f"{door}/version")
    assert json.loads(version.text) == {"version": "images", "items": [1, 2, 3]}
    assert version.headers["Content-Type"] == "application/json"
    assert ask(f"{door}/header").headers["X-Version"] == "images"


def test_a_baked_switch_is_taken_as_it_stands() -> None:
    build("reconcile-bed/web:odd", LOG_START=r'$HOME "a" \\ \n`b`', LOG_EVERY="60")
    with Running("reconcile-bed/web:odd") as running:
        environment = docker("inspect", "--format", "{{json .Config.Env}}", running.id)
    assert r'LOG_START=$HOME "a" \\ \n`b`' in json.loads(environment)
