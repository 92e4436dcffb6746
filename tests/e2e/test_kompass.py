"""The worked example: released, judged by every check of its gate, rolled back, undone in Git."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.canaries import needles
from tests.e2e.images import Images
from tests.e2e.kompass import SETTINGS, Kompass
from tests.e2e.runs import Result
from tests.e2e.witness import Witness

COMPARED = ("errors", "latency", "memory", "logs")
SIGN_IN_FAILS = "check sign-in: step 1 of 2, POST /api/v1/auth/login: 500 Internal Server Error"


@dataclass(frozen=True, slots=True)
class Lived:
    """What three releases of the example came to; nobody changes anything any more."""

    kompass: Kompass
    first: Result
    good: Result
    good_pins: str
    bad: Result
    bad_release: str


@pytest.fixture(scope="module")
def lived(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """Both environments at once, a good release of production, and one whose backend lets nobody sign in."""
    with Kompass(tmp_path_factory.mktemp("kompass"), images) as kompass:
        first = kompass.once()
        assert first.code == 0, first.said
        kompass.release(
            backend=kompass.image("backend", "1.8.3"), frontend=kompass.image("frontend", "1.8.3")
        )
        with Witness(kompass.world, kompass.url("3001")):
            good = kompass.once().expect(0)
        pins = kompass.origin.text("main")
        release = kompass.release(backend=kompass.image("backend", "1.8.4", LOGIN="broken"))
        with Witness(kompass.world, kompass.url("3001"), again=True) as witness:
            bad = kompass.once().expect(10)
            witness.expect_undone(kompass.origin.bare, release)
        yield Lived(kompass, first, good, pins, bad, release)


def test_a_first_release_of_both_environments_converges_and_every_check_has_seen_something_good(
    lived: Lived,
) -> None:
    for name in ("staging", "production"):
        environment = of(lived.first, name)
        assert (environment["result"], environment["health"]) == ("converged", "healthy")
        expect_sampled(environment, name)
        assert environment["judgement"]["decision"]["rule"] == "every check passed: keep"


def test_a_good_release_is_kept_and_compared_with_what_ran_before(lived: Lived) -> None:
    assert of(lived.good, "staging")["result"] == "no-op", "its pins did not move"
    environment = of(lived.good, "production")
    assert environment["result"] == "converged"
    assert sorted(moved(environment)) == ["backend", "frontend"], "databases stay as they are"
    expect_sampled(environment, "production")
    rulings = {one["check"]: one for one in environment["judgement"]["decision"]["rulings"]}
    details = {name: rulings[f"check {name}"]["detail"] for name in COMPARED}
    assert not [detail for detail in details.values() if "not compared" in detail], details


def test_a_backend_that_lets_nobody_sign_in_is_rolled_back_because_of_the_check_for_it(lived: Lived) -> None:
    environment = of(lived.bad, "production")
    judgement = environment["judgement"]
    assert (environment["result"], environment["exit_code"]) == ("rolled-back", 10)
    assert (judgement["verdict"], judgement["reason"]) == ("fail", SIGN_IN_FAILS)
    undoing = [one for one in judgement["decision"]["rulings"] if one["reaction"]["response"] == "rollback"]
    assert [one["check"] for one in undoing] == ["check sign-in"], "health is fine: no other check saw it"
    assert judgement["decision"]["rule"] == "critical check sign-in failed: roll back at once"
    assert moved(environment) == ["backend"]
    assert environment["restored"]["verdict"] == "pass"
    assert environment["health"] == "healthy"
    assert lived.kompass.world.images_of("backend", "frontend") == ["1.8.3", "1.8.3"]


def test_the_remote_has_a_revert_with_exactly_the_pin_of_the_backend(lived: Lived) -> None:
    origin = lived.kompass.origin
    commit = origin.expect_undone(lived.bad_release)
    assert origin.tip() == commit
    assert origin.git("rev-parse", f"{commit}^") == lived.bad_release
    assert origin.text("main") == lived.good_pins
    assert len(origin.changed(commit)) == 2
    trailers = origin.trailers(commit)
    assert trailers["Reconcile-Environment"] == "production"
    assert trailers["Reconcile-Reason"] == SIGN_IN_FAILS
    assert trailers["Reconcile-Blocked"].startswith("backend ")


def test_the_history_is_the_table_of_the_runbook_with_a_row_for_it(lived: Lived) -> None:
    said = lived.kompass.reconcile("history", "production", "--rollbacks", "-o", "markdown").expect(0)
    head, rule, row = said.stdout.strip().splitlines()
    assert head == "| Date | Environment | Reason | Rolled Back By | Duration | Resolution |"
    assert re.fullmatch(r"\|(-+\|){6}", rule)
    date, environment, reason, by, took, resolution = (cell.strip() for cell in row.strip("|").split("|"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", date)
    assert (environment, reason, by) == ("production", SIGN_IN_FAILS, "reconcile")
    assert re.fullmatch(r"[\d.]+s|\d+m\d\ds", took)
    assert resolution == "backend 1.8.4 → 1.8.3"


def test_plain_compose_has_nothing_to_do_after_it(lived: Lived) -> None:
    """The way out when there is no reconcile: the Compose files and the pins file, as they are in Git now."""
    world = lived.kompass.world
    before = world.marks()
    world.by_hand("up", "-d")
    assert world.marks() == before


def test_a_pass_after_it_says_no_changes(lived: Lived) -> None:
    said = lived.kompass.reconcile("--once").expect(0).stdout.splitlines()
    assert [line.partition(" matches ")[0] for line in said if line] == [
        "No changes. staging",
        "No changes. production",
    ]


def test_verify_says_what_it_asked_and_what_needs_a_release(lived: Lived) -> None:
    said = lived.kompass.reconcile("verify", "production").expect(0).stdout
    assert said == (
        "production: every container and 5 checks good; "
        "not asked without a release: latency, errors, memory and logs\n"
    )


def test_the_password_of_the_checks_is_nowhere(lived: Lived) -> None:
    world = lived.kompass.world
    run = of(lived.bad, "production")["run"]
    for words in (["history", "show", run], ["explain", "production"], ["verify", "production", "--explain"]):
        lived.kompass.reconcile(*words).expect(0)
    places = [file for run in world.started for file in run.folder.iterdir()]
    places += [file for file in (world.root / "memory").rglob("*") if file.is_file()]
    log = lived.kompass.origin.git("log", "--all", "--patch")
    wanted = needles(lived.kompass.password)
    found = [file.name for file in places if any(needle in file.read_bytes() for needle in wanted)]
    assert not found
    assert not any(needle in log.encode() for needle in wanted)


def of(result: Result, name: str) -> dict[str, Any]:
    """One environment of a report."""
    (found,) = [one for one in result.json["environments"] if one["name"] == name]
    assert isinstance(found, dict)
    return found


def moved(environment: dict[str, Any]) -> list[str]:
    return [one["name"] for one in environment["services"] if one["change"] != "none"]


def expect_sampled(environment: dict[str, Any], name: str) -> None:
    """Every check that the settings of the example name has good samples, the last one among them."""
    tallies = {one["subject"]: one for one in environment["judgement"]["tallies"]}
    for check in checks_of(SETTINGS, name):
        tally = tallies[f"check {check}"]
        assert tally["good"] > 0, tally
        assert tally["last"]["evidence"] == "good", tally


def checks_of(settings: Path, environment: str) -> list[str]:
    """The names of the checks of an environment."""
    document = yaml.safe_load(settings.read_text())
    return list(document["environments"][environment]["gate"]["checks"])
