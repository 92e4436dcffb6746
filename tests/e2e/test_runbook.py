"""docs/runbook.md, section by section: the commands that it names are run, on one stack.

The blocks of the page itself are what runs. Only what cannot be the same in a test is filled in: folders,
ports, names of projects and databases, and who may log in.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.bed.couchdb import CouchDb
from tests.bed.meilisearch import UNDER_WAY, MeiliDouble
from tests.bed.runbook import PAGE, blocks
from tests.bed.tools import wait_until
from tests.e2e.images import Images
from tests.e2e.origin import Origin
from tests.e2e.runs import Result, program
from tests.e2e.world import World, await_answer, published

STACK = """\
services:
  backend: {image: web, stop_grace_period: 1s}
  frontend: {image: web, stop_grace_period: 1s}
"""
PORTS = """\
services:
  backend: {{ports: ["127.0.0.1:{backend}:8080"]}}
  frontend: {{ports: ["127.0.0.1:{frontend}:8080"]}}
"""
SIGN_IN_FAILS = "check sign-in: step 1 of 2, POST /api/v1/auth/login: 500 Internal Server Error"
CUSTOMERS = 12


@dataclass(slots=True)
class Town:
    """Two environments, what they keep their data in, and what the page's blocks come to there."""

    world: World
    origin: Origin
    couchdb: CouchDb
    database: str
    meili: MeiliDouble
    ports: Mapping[str, int]
    told: Path
    rejected: str = ""
    last: Result | None = None

    def shell(self, section: str, number: int = 0, *, password: str = "") -> Result:
        """Run a block of a section as a person would, with the variables that the page sets before."""
        there = self._filled_in(blocks("2. Navigate to Deployment Directory")[0])
        text = f"{{\n{there}\n}} >&2\n{self._filled_in(blocks(section)[number])}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.world.repository,
            env={**self.world.environ, "PATH": f"{Path(program()).parent}:{os.environ['PATH']}"},
            input=f"{password}\n",
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Result((section,), done.returncode, done.stdout, done.stderr)

    def says(self) -> dict[str, int]:
        rows = self.couchdb.ask("GET", f"/{self.database}/_all_docs?include_docs=true")["rows"]
        return {row["id"]: row["doc"]["n"] for row in rows}

    def damage(self) -> None:
        """What a bad release writes."""
        rows = self.couchdb.ask("GET", f"/{self.database}/_all_docs?include_docs=true")["rows"]
        self.couchdb.put(self.database, *({**row["doc"], "n": -1} for row in rows[:5]), {"n": 99})

    def _filled_in(self, text: str) -> str:
        for pattern, value in (
            ("kompass-production", self.world.project),
            ("/opt/kompass/production", str(self.world.repository)),
            ("examples/kompass/", "app/"),
            ("localhost:3001", f"127.0.0.1:{self.ports['backend']}"),
            ("localhost:3000", f"127.0.0.1:{self.ports['frontend']}"),
            ("http://localhost:5984", self.couchdb.url),
            ("http://localhost:7700", self.meili.url),
            ("DATABASE=kompass ", f"DATABASE={self.database} "),
            (r"kompass_backup_\d+-\d+", self._backup()),
        ):
            text = re.sub(pattern, value.replace("\\", r"\\"), text)
        return text

    def _backup(self) -> str:
        """The oldest backup: of the time before any damage."""
        names = self.couchdb.ask("GET", "/_all_dbs")
        return min((name for name in names if name.startswith(f"{self.database}_backup_")), default="none")


@pytest.fixture(scope="module")
def town(images: Images, couchdb: CouchDb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A good release in both environments, and then one in each that is rolled back by itself."""
    with World(tmp_path_factory.mktemp("runbook"), images) as world, MeiliDouble() as meili:
        found = _settled(world, couchdb, meili)
        found.shell("CouchDB Rollback", 1).expect(0)  # the backup
        _pin(world, "production", backend="web:2", frontend="web:2")
        world.reconcile("--once", "-e", "production").expect(0)
        _pin(world, "production", backend="web:nologin")
        _pin(world, "staging", backend="web:crash")
        found.rejected = found.origin.tip()
        found.last = world.once().expect(10)
        world.git("pull", "--quiet", "--ff-only", "origin", "main")
        yield found


def _settled(world: World, couchdb: CouchDb, meili: MeiliDouble) -> Town:
    ports = {name: published()[0] for name in ("backend", "frontend", "staging backend", "staging frontend")}
    database = couchdb.database()
    couchdb.put(database, *({"_id": f"{n:03}", "n": n} for n in range(CUSTOMERS)))
    meili.fill("customers", CUSTOMERS)
    world.variables |= {
        "COUCH_USER": couchdb.username,
        "COUCH_PASSWORD": couchdb.password,
        "MEILI_KEY": meili.key,
        "PROBE_PASSWORD": "right",
    }
    world.beside["staging"] = _environment(f"{world.project}-staging", "staging", ports["staging backend"])
    world.settings.update(_environment(world.project, "production", ports["backend"]))
    couch = {"url": couchdb.url, "databases": [database]}
    couch |= {"username": "${COUCH_USER}", "password": "${COUCH_PASSWORD}"}
    search = {
        "url": meili.url,
        "key": "${MEILI_KEY}",
        "indexes": ["customers"],
        "rebuild": {"restart": "backend"},
    }
    world.settings["data"] = {"couchdb": couch, "search": {"meilisearch": search}}
    world.settings["services"] = {"backend": {"uses": ["couchdb"]}}
    pager, told = world.root / "pager", world.root / "told"
    pager.write_text(f"#!/bin/sh\ncat >>{told}\necho >>{told}\n")
    pager.chmod(0o755)
    contacts = [{"name": "On-Call Engineer", "reach": "telephone, see the rota", "when": "after hours"}]
    channels = {"pager": {"command": {"run": [str(pager)]}}}
    world.variables["RECONCILE_ALLOW"] = "notify:host"
    world.settings["notify"] = {"channels": channels, "contacts": contacts}
    world.write("docker-compose.yml", STACK)
    for name, prefix in (("production", ""), ("staging", "staging ")):
        mine = {service: ports[f"{prefix}{service}"] for service in ("backend", "frontend")}
        world.write(f"docker-compose.{name}.yml", PORTS.format(**mine))
    one = world.images.pinned("web:1")
    world.pins = {"backend": one, "frontend": one}
    (world.state / "staging").mkdir()
    world.commit("Begin")
    (world.state / "staging" / "compose.pins.yaml").write_text(world.pins_file.read_text())
    world.commit("Begin with staging")
    origin = Origin.of(world)
    world.once().expect(0)
    await_answer(f"http://127.0.0.1:{ports['backend']}", "version=1")
    return Town(world, origin, couchdb, database, meili, ports, told)


def _environment(project: str, name: str, port: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}"
    login = {"email": "probe@example.org", "password": "${PROBE_PASSWORD}"}
    flow = [
        {"post": f"{url}/api/v1/auth/login", "json": login, "capture": {"token": "access_token"}},
        {"get": f"{url}/api/v1/customers", "headers": {"Authorization": "Bearer ${token}"}},
    ]
    return {
        "project": project,
        "directory": "../app",
        "compose": ["docker-compose.yml", f"docker-compose.{name}.yml"],
        "gate": {
            "timeout": "15s",
            "soak": "0s",
            "checks": {"backend": {"http": {"url": f"{url}/health"}}, "sign-in": {"flow": flow}},
        },
        "rollback": {"git": "push"},
    }


def _pin(world: World, environment: str, **pins: str) -> None:
    """Commit other pins, and push them."""
    file = world.state / environment / "compose.pins.yaml"
    text = file.read_text()
    for service, ref in pins.items():
        text = re.sub(rf"(?m)^(  {service}:\n    image: ).*$", rf"\g<1>{world.images.pinned(ref)}", text)
    file.write_text(text)
    world.git("commit", "--quiet", "--all", "-m", f"{environment}: {', '.join(pins.values())}")
    world.git("push", "--quiet", "origin", "main")


# --- when to roll back, and what rolls back by itself ------------------------------------------------


def test_when_to_rollback(town: Town) -> None:
    said = town.shell("When to Rollback").expect(0).stdout
    assert "critical check sign-in failed: roll back at once" in said
    assert "every container and 2 checks good" in said


def test_automatic_rollback_of_the_production_deployment(town: Town) -> None:
    assert town.last is not None
    (production,) = [one for one in town.last.json["environments"] if one["name"] == "production"]
    assert (production["result"], production["exit_code"]) == ("rolled-back", 10)
    assert production["judgement"]["reason"] == SIGN_IN_FAILS
    assert production["restored"]["verdict"] == "pass"
    assert town.world.images_of("backend", "frontend") == ["2", "2"]
    assert "No changes. production" in town.shell("Production Deployment").expect(0).stdout


def test_automatic_rollback_of_the_staging_deployment(town: Town) -> None:
    assert town.last is not None
    (staging,) = [one for one in town.last.json["environments"] if one["name"] == "staging"]
    assert (staging["result"], staging["restored"]["verdict"]) == ("rolled-back", "pass")
    assert "No changes. staging" in town.shell("Staging Deployment").expect(0).stdout
    reverts = town.origin.git("log", "--format=%s", f"{town.rejected}..main").splitlines()
    assert len(reverts) == 2, "one commit for each environment"


# --- afterwards ------------------------------------------------------------------------------------


def test_post_rollback_document_the_issue(town: Town) -> None:
    said = town.shell("1. Document the Issue").expect(0).stdout
    assert "# Incident: production" in said
    assert SIGN_IN_FAILS in said
    assert "Root cause" in said


def test_post_rollback_notify_stakeholders(town: Town) -> None:
    told = [json.loads(line) for line in town.told.read_text().splitlines() if line]
    assert "rolled-back" in {one["kind"] for one in told}, told
    assert "pager took a test message" in town.shell("2. Notify Stakeholders").expect(0).stdout
    assert "# Incident: production" in town.shell("2. Notify Stakeholders", 1).expect(0).stdout


def test_emergency_contacts(town: Town) -> None:
    """They are in what channels are told."""
    assert all(contact in town.told.read_text() for contact in ("On-Call Engineer", "see the rota"))


def test_post_rollback_plan_fix(town: Town) -> None:
    assert "check sign-in" in town.shell("3. Plan Fix").expect(0).stdout
    refused = town.shell("3. Plan Fix", 1)
    assert refused.code == 64, refused.said
    assert "staging cannot be promoted to production" in refused.stderr, (
        "it has not been good for long enough"
    )


def test_post_rollback_prevention(town: Town) -> None:
    assert "production: 2 services, 2 pinned" in town.shell("4. Prevention").expect(0).stdout


def test_rollback_decision_matrix(town: Town) -> None:
    said = town.shell("Rollback Decision Matrix").expect(0).stdout
    for severity in ("critical", "high", "medium", "low"):
        assert severity in said


def test_rollback_history(town: Town) -> None:
    said = town.shell("Rollback History").expect(0).stdout
    assert said.startswith("| Date | Environment | Reason | Rolled Back By | Duration | Resolution |")
    assert f"| production | {SIGN_IN_FAILS} | reconcile |" in said


# --- verification ----------------------------------------------------------------------------------


def test_verification_health_checks(town: Town) -> None:
    assert "every container and 2 checks good" in town.shell("1. Health Checks").expect(0).stdout
    assert "version=2" in town.shell("1. Health Checks", 1).expect(0).stdout


def test_verification_functional_tests(town: Town) -> None:
    assert "sign-in" in town.shell("2. Functional Tests").expect(0).stdout


def test_verification_monitor_logs(town: Town) -> None:
    assert 'Revert "production: web:nologin"' in town.shell("3. Monitor Logs").expect(0).stdout
    assert town.last is not None
    (run,) = [one["run"] for one in town.last.json["environments"] if one["name"] == "production"]
    assert SIGN_IN_FAILS in town.world.reconcile("history", "show", run).expect(0).stdout
    assert "backend" in town.shell("3. Monitor Logs", 1).expect(0).stdout


def test_verification_by_users(town: Town) -> None:
    before = town.says()
    town.shell("4. User Verification").expect(0)
    assert town.says() == before


# --- by hand ---------------------------------------------------------------------------------------


def test_manual_rollback_prerequisites(town: Town) -> None:
    said = town.shell("Prerequisites")
    assert said.code in (0, 1), said.said  # the disk of whoever runs this may be full
    assert "synced" in said.stdout


def test_manual_rollback_steps(town: Town) -> None:
    town.shell("2. Navigate to Deployment Directory").expect(0)
    said = town.shell("3. Run Rollback Script").expect(0).stdout
    assert town.world.images_of("backend", "frontend") == ["1", "1"]
    assert "pushed to main" in said
    assert "customers cannot be saved" in town.origin.git("log", "-1", "--format=%B", "main")
    town.shell("4. Verify Rollback").expect(0)


def test_manual_rollback_without_script(town: Town) -> None:
    """The last commit of the pins was the rollback to version 1; taken back by Git and Compose alone."""
    town.shell("Manual Rollback (Without Script)").expect(0)
    assert town.world.images_of("backend", "frontend") == ["2", "2"]
    assert town.origin.tags("backend", "frontend") == ["2", "2"]
    town.world.reconcile("--once").expect(0)
    assert "No changes. production" in town.world.reconcile("--once").expect(0).stdout


# --- data ------------------------------------------------------------------------------------------


def test_database_rollback_of_couchdb(town: Town) -> None:
    before = town.says()
    town.damage()
    assert town.says() != before
    with _application(town):  # search follows the data
        town.shell("CouchDB Rollback").expect(0)
    assert town.says() == before
    await_answer(f"http://127.0.0.1:{town.ports['backend']}", "version=2")


def test_database_rollback_of_couchdb_by_hand(town: Town) -> None:
    before = town.says()
    town.damage()
    town.shell("CouchDB Rollback", 2, password=town.couchdb.password).expect(0)
    assert town.says() == before
    await_answer(f"http://127.0.0.1:{town.ports['backend']}", "version=2")


@pytest.mark.parametrize("number", [0, 1], ids=["command", "by-hand"])
def test_database_rollback_of_meilisearch(town: Town, number: int) -> None:
    started = town.world.container("backend").started_at
    with _application(town):
        said = town.shell("MeiliSearch Rollback", number, password=town.meili.key).expect(0)
    assert town.world.container("backend").started_at != started
    assert town.meili.count("customers") == CUSTOMERS
    assert town.meili.key not in said.said


@contextmanager
def _application(town: Town) -> Iterator[None]:
    """What fills the index as soon as there is none; behind the block it is full."""
    over, filled = Event(), Event()

    def fill() -> None:
        while not over.wait(0.1):
            waiting = any(task.status in UNDER_WAY for task in town.meili.tasks)
            if town.meili.count("customers") is None and not waiting:
                town.meili.add("customers", range(CUSTOMERS))
                filled.set()

    def full() -> bool:
        town.meili.tick()
        return filled.is_set() and town.meili.count("customers") == CUSTOMERS

    with ThreadPoolExecutor(1) as pool:
        filling = pool.submit(fill)
        try:
            yield
            wait_until(full, seconds=30, what="the index is filled again")
        finally:
            over.set()
        filling.result()


def test_related_documentation() -> None:
    targets = re.findall(r"\]\(([a-z]+\.md)\)", PAGE.read_text().partition("## Related Documentation")[2])
    assert targets
    assert all((PAGE.parent / target).is_file() for target in targets)
