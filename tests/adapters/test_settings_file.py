"""reconcile.yaml: what is read, and every way to get it wrong."""

from __future__ import annotations

import pytest

from reconciler.adapters.state_files import YamlStateFiles
from reconciler.adapters.state_files.quantities import seconds, share
from reconciler.domain.check import Check, Http, Request
from reconciler.domain.environment import Environment, Gate, GitPolicy, Rollback, Unpinned
from reconciler.domain.severity import Matrix, Phase, Reaction, Response, Severity
from reconciler.errors import InvalidSettings

FILES = YamlStateFiles()
LEAST = "version: 1\nenvironments:\n  a:\n    project: p\n    compose: [c.yml]\n"


def refusals(text: str) -> list[str]:
    with pytest.raises(InvalidSettings) as raised:
        FILES.settings(text, "reconcile.yaml")
    return [f"{finding.line}:{finding.column} {finding.message}" for finding in raised.value.findings]


def test_the_least_that_can_be_written() -> None:
    assert FILES.settings(LEAST, "reconcile.yaml") == (
        Environment("a", pins="a/compose.pins.yaml", project="p", directory="..", compose=("c.yml",)),
    )


def test_everything_that_can_be_written() -> None:
    text = """
version: 1
environments:
  production:
    pins: ./production/compose.pins.yaml
    project: kompass-production
    directory: /opt/kompass/production
    compose: [./docker-compose.yml, docker-compose.production.yml]
    engine: {host: "unix:///var/run/docker.sock"}
    gate:
      timeout: 2m
      soak: 500ms
      checks:
        backend: {http: {url: "http://localhost:3001/health", timeout: 1s}, severity: high}
        search:
          http:
            url: https://${PROBE_USER}:${PROBE_PASSWORD}@[::1]:7700/health?token=${TOKEN}
    rollback: {git: push}
    prune: true
    unpinned: refuse
  staging:
    project: kompass-staging
    compose: [docker-compose.yml]
    engine: {context: staging}
"""
    production, staging = FILES.settings(text, "reconcile.yaml")
    url = "https://${PROBE_USER}:${PROBE_PASSWORD}@[::1]:7700/health?token=${TOKEN}"
    assert production == Environment(
        name="production",
        pins="production/compose.pins.yaml",
        project="kompass-production",
        directory="/opt/kompass/production",
        compose=("docker-compose.yml", "docker-compose.production.yml"),
        engine_host="unix:///var/run/docker.sock",
        gate=Gate(
            timeout_seconds=120.0,
            soak_seconds=0.5,
            checks=(
                Check(
                    "backend",
                    Http(Request("http://localhost:3001/health")),
                    Severity.HIGH,
                    time_limit_seconds=1.0,
                ),
                Check("search", Http(Request(url))),
            ),
        ),
        rollback=Rollback(GitPolicy.PUSH),
        prune=True,
        unpinned=Unpinned.REFUSE,
    )
    assert (staging.engine_host, staging.engine_context) == ("", "staging")


@pytest.mark.parametrize(
    ("text", "value"),
    [("120s", 120), ("2m", 120), ("1h", 3600), ("500ms", 0.5), ("0s", 0), ("14d", 1_209_600)],
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(("text", "value"), [("50%", 0.5), ("0%", 0), ("2.5%", 0.025), ("1000%", 10)])
def test_percentages(text: str, value: float) -> None:
    assert share(text) == value


@pytest.mark.parametrize("text", ["", "50", "%", ".%", "-1%", "1e1%", "\u0661%", "nan%", "50 %"])
def test_what_is_no_percentage(text: str) -> None:
    with pytest.raises(ValueError, match="is not a percentage"):
        share(text)


def test_the_matrix_and_what_is_kept_for_a_rollback() -> None:
    text = f"""{LEAST}    severity: {{critical: {{rollback: 90s}}, high: alert, medium: {{alert: after 2h}}}}
    inconclusive: {{gate: alert}}
    rollback: {{git: branch, branch: release/1.x, author: "Kompass Bot <bot@kompass.example>", keep: 5}}
"""
    (environment,) = FILES.settings(text, "reconcile.yaml")
    assert environment.gate.matrix == Matrix(
        failed={
            Severity.CRITICAL: Reaction(Response.ROLL_BACK, 90),
            Severity.HIGH: Reaction(Response.ALERT),
            Severity.MEDIUM: Reaction(Response.ALERT, 7200),
            Severity.LOW: Reaction(Response.REPORT),
        },
        inconclusive={Phase.GATE: Response.ALERT, Phase.OBSERVED: Response.ALERT},
    )
    author = "Kompass Bot <bot@kompass.example>"
    assert environment.rollback == Rollback(GitPolicy.BRANCH, "release/1.x", author, 5)


@pytest.mark.parametrize("text", ["", "1", "s", "1.5s", "-1s", "1 s", "\u0661s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("added", "refused"),
    [
        (
            "    pins: ../p.yaml",
            "6:11 'environments.a.pins': the pins file must lie inside the folder of reconcile.yaml",
        ),
        ("    pins: a/../../p.yaml", "6:11 'environments.a.pins': the pins file must lie inside"),
        ("    pins: /etc/p.yaml", "6:11 'environments.a.pins': the pins file must lie inside"),
        ("    directory: ~/x", "6:16 'environments.a.directory': the project directory is a path"),
        (
            "    engine: {host: 'ssh://deploy:hunter2@h'}",
            "6:20 'environments.a.engine.host': an engine's address is",
        ),
        (
            "    engine: {host: 'ssh://-oProxyCommand=x'}",
            "6:20 'environments.a.engine.host': an engine's address is",
        ),
        (
            "    engine: {host: 'unix:///s', context: c1}",
            "6:13 'environments.a.engine': an engine is named by its host or",
        ),
        ("    unpinned: folow", "6:15 'environments.a.unpinned': 'folow' is none of follow, refuse, ignore"),
        ("    prune: yes", "6:12 'environments.a.prune': 'yes' is not true or false"),
        ("    gate:", "6:5 'environments.a.gate' is empty: a mapping of keys and values is expected"),
        ("    gate: {timeout: 120}", "6:21 'environments.a.gate.timeout': 120 is read as a number"),
        (
            "    gate: {timeout: 0s}",
            "6:21 'environments.a.gate.timeout': a time limit is a whole number above zero",
        ),
        ("    gate: {checks: []}", "6:20 'environments.a.gate.checks' is empty: a mapping"),
        ("    gate: {checks: {x: {}}}", "6:21 'environments.a.gate.checks.x': a check has exactly one kind"),
        (
            "    rollback: {git: false}",
            "6:21 'environments.a.rollback.git': 'false' is none of push, branch, off",
        ),
        ("    dtaa: {}", "6:5 'dtaa' is not a key of 'environments.a'"),
        ("    severity: {hihg: alert}", "6:16 'hihg' is not a key of 'environments.a.severity'"),
        (
            "    severity: {high: ignore}",
            "6:22 'environments.a.severity.high': 'ignore' is none of rollback, alert, report",
        ),
        (
            "    severity: {high: {rollback: 15}}",
            "6:33 'environments.a.severity.high.rollback': 15 is read as a number",
        ),
        (
            "    severity: {high: {rollback: in 15m}}",
            "6:33 'environments.a.severity.high.rollback': a delay is",
        ),
        ("    severity: {high: {rollback: 25h}}", "6:33 a delay is at most 24h"),
        (
            "    severity: {high: {rollback: 1m, alert: 1m}}",
            "6:22 'environments.a.severity.high': a reaction is one of",
        ),
        ("    severity: {high: {}}", "6:22 'environments.a.severity.high' is empty"),
        (
            "    severity: {high: {report: 1m}}",
            "6:23 'report' is not a key of 'environments.a.severity.high'",
        ),
        (
            "    inconclusive: {gate: keep}",
            "6:26 'environments.a.inconclusive.gate': 'keep' is none of rollback",
        ),
        (
            "    rollback: {branch: -x}",
            "6:24 'environments.a.rollback.branch': this is not the name of a Git",
        ),
        (
            "    rollback: {branch: a..b}",
            "6:24 'environments.a.rollback.branch': this is not the name of a Git",
        ),
        ("    rollback: {author: me}", "6:24 'environments.a.rollback.author': an author is a name and an"),
        ("    rollback: {keep: 0}", "6:22 'environments.a.rollback.keep' must be at least 1"),
        ("    rollback: {keep: 1.5}", "6:22 'environments.a.rollback.keep': '1.5' is not a whole number"),
        ("    porject: x", "6:5 'porject' is not a key of 'environments.a'"),
        ("    ? porject\n    : x", "6:7 'porject' is not a key of 'environments.a'"),
        (
            "  B: {project: b, compose: [c.yml]}",
            "6:3 'B': an environment's name is 1 to 63 lower-case letters",
        ),
        ("  b: {project: p, compose: [c.yml]}", "6:3 'b' runs the same project on the same engine as 'a'"),
        ("  b: {project: 0123, compose: [c.yml]}", "6:16 'environments.b.project': 0123 is read as a number"),
        (
            "  b: {project: P, compose: [c.yml]}",
            "6:16 'environments.b.project': a Compose project is named with lower",
        ),
        ("  b: {project: b}", "6:3 'environments.b' has no 'compose'"),
        ("  b: {project: b, compose: []}", "6:28 'environments.b.compose' is empty: a list is expected"),
        ("  b: {project: b, compose: c.yml}", "6:28 'environments.b.compose': 'c.yml' is not a list"),
        ("  b: {project: b, compose: [c.yml, ./c.yml]}", "6:36 the Compose file 'c.yml' is listed twice"),
        (
            "  b: {project: b, compose: [../c.yml]}",
            "6:29 'environments.b.compose.0': a Compose file must lie inside",
        ),
        (
            "  b: {project: b, compose: [/c.yml]}",
            "6:29 'environments.b.compose.0': a Compose file must lie inside",
        ),
        (
            "  b: {project: b, compose: ['-']}",
            "6:29 'environments.b.compose.0': a Compose file must lie inside",
        ),
        ('  b: {project: b, compose: ["c\\0"]}', "6:29 a line break or an invisible character in a value"),
        (
            '  b: {project: "b\\n", compose: [c.yml]}',
            "6:16 a line break or an invisible character in a value",
        ),
        ("enviroments: {}", "6:1 'enviroments' is not a key of the file"),
    ],
)
def test_what_is_refused_is_located(added: str, refused: str) -> None:
    found = refusals(f"{LEAST}{added}\n")
    assert any(finding.startswith(refused) for finding in found), found


@pytest.mark.parametrize(
    ("url", "because"),
    [
        ("ftp://localhost/", "a check's URL is http://host/path"),
        ("localhost:3001", "a check's URL is http://host/path"),
        ("http://", "a check's URL is http://host/path"),
        ("http://a b/", "a check's URL is http://host/path"),
        ("http://admin:hunter2@localhost/", "a user name or password does not belong into this file"),
        ("http://hunter2@localhost/", "a user name or password does not belong into this file"),
        ("http://admin:x${P}@localhost/", "a user name or password does not belong into this file"),
        ("http://localhost/$TOKEN", "a variable is written ${NAME}"),
        ("http://localhost/${1}", "a variable is written ${NAME}"),
        ("http://localhost/${A:-b}", "a variable is written ${NAME}"),
        ("http://localhost/${A", "a variable is written ${NAME}"),
    ],
)
def test_urls_that_are_refused_and_never_shown(url: str, because: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        FILES.settings(f"{LEAST}    gate: {{checks: {{x: {{http: {{url: '{url}'}}}}}}}}\n", "reconcile.yaml")
    assert because in str(raised.value)
    assert "hunter2" not in repr(raised.value.findings)


def test_all_findings_come_at_once_in_the_order_of_the_file() -> None:
    text = "version: 2\nversion: 2\nenvironments:\n  a: {compose: [c], x-a: 1}\n  a: {}\n"
    assert refusals(text) == [
        "1:10 'version': '2' is not supported by this version",
        "2:1 'version' is written twice",
        "4:3 'environments.a' has no 'project'",
        "4:21 'x-a' is not a key of 'environments.a'",
        "5:3 'environments.a' is written twice",
    ]


@pytest.mark.parametrize(
    "text", ["", "a", "[]", "{}", "version: 1\nenvironments: {}\n", "version: 1\nenvironments:\n"]
)
def test_nothing_is_not_a_configuration(text: str) -> None:
    assert refusals(text)
