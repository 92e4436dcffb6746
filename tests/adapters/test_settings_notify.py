"""Channels and contacts in reconcile.yaml, and every way to get them wrong."""

from __future__ import annotations

import pytest

from reconciler.adapters.state_files import YamlStateFiles
from reconciler.domain.channels import (
    Apprise,
    Channel,
    Command,
    Contact,
    GitHub,
    Linear,
    Notify,
    Slack,
    StatusDocument,
    Statuspage,
    Webhook,
)
from reconciler.domain.events import Kind
from reconciler.domain.placeholders import secrets_of_notify, secrets_of_service
from reconciler.domain.severity import Severity
from reconciler.errors import Finding, InvalidSettings

LEAST = "version: 1\nenvironments:\n  a:\n    project: p\n    compose: [c.yml]\n"
TEAM = "9cfb482a-81e3-4154-b5b9-2c805e70a02d"
TOKEN = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"


def read(added: str) -> Notify:
    lines = "".join(f"    {line}\n" for line in added.strip("\n").split("\n"))
    (environment,) = YamlStateFiles().settings(LEAST + lines, "reconcile.yaml")
    return environment.notify


def channel(written: str) -> Channel:
    (found,) = read(f"notify: {{channels: {{one: {written}}}}}").channels
    return found


def findings(added: str) -> tuple[Finding, ...]:
    with pytest.raises(InvalidSettings) as raised:
        read(added)
    return raised.value.findings


def test_nobody_is_told_where_nothing_is_written() -> None:
    assert read("prune: false") == Notify()


def test_everything_that_can_be_written() -> None:
    found = read(
        f"""
notify:
  link: "https://ops.example.org/runs/{{run}}"
  contacts: [{{name: DevOps, reach: devops@kompass.de, when: business hours}}, {{name: Ada, reach: "+49 1"}}]
  channels:
    github: {{github: {{repository: kompass/kompass, token: "${{GITHUB_TOKEN}}", api: "https://git.example.org/api/v3/",
      deployments: false, statuses: true, dispatch: true, issues: false}}}}
    on-call: {{slack: {{url: "${{SLACK_URL}}"}}, from: high, events: [rollback-failed, recovered]}}
    tickets: {{linear: {{team: "{TEAM}", key: "${{LINEAR_KEY}}", labels: [one]}}, from: critical}}
    page: {{statuspage: {{page: abc, key: "${{STATUSPAGE_KEY}}", components: [x, y]}}}}
    hook: {{webhook: {{url: "https://h.example.org/x?y=1", secret: "${{HOOK_SECRET}}", allow_private: true}}}}
    script: {{command: {{run: [/usr/local/bin/tell, now], timeout: 2m}}}}
    any: {{apprise: {{url: "${{APPRISE_URL}}"}}}}
"""
    )
    assert found.link == "https://ops.example.org/runs/{run}"
    assert found.contacts == (
        Contact("DevOps", "devops@kompass.de", "business hours"),
        Contact("Ada", "+49 1"),
    )
    assert found.channels == (
        Channel(
            "github",
            GitHub(
                "kompass/kompass",
                "${GITHUB_TOKEN}",
                "https://git.example.org/api/v3",
                deployments=False,
                statuses=True,
                dispatch=True,
                issues=False,
            ),
        ),
        Channel("on-call", Slack("${SLACK_URL}"), Severity.HIGH, (Kind.ROLLBACK_FAILED, Kind.RECOVERED)),
        Channel("tickets", Linear(TEAM, "${LINEAR_KEY}", ("one",)), Severity.CRITICAL),
        Channel("page", Statuspage("abc", "${STATUSPAGE_KEY}", ("x", "y"))),
        Channel("hook", Webhook("https://h.example.org/x?y=1", "${HOOK_SECRET}", allow_private=True)),
        Channel("script", Command(("/usr/local/bin/tell", "now"), 120.0)),
        Channel("any", Apprise("${APPRISE_URL}")),
    )
    assert secrets_of_notify(found) == (
        "GITHUB_TOKEN",
        "SLACK_URL",
        "LINEAR_KEY",
        "STATUSPAGE_KEY",
        "HOOK_SECRET",
        "APPRISE_URL",
    )


def test_what_is_not_written_has_defaults() -> None:
    assert channel('{github: {repository: a/b, token: "${T}"}}').service == GitHub("a/b", "${T}")
    assert channel(f'{{linear: {{team: "{TEAM}", key: "${{K}}"}}}}').service == Linear(TEAM, "${K}")
    assert channel('{statuspage: {page: p, key: "${K}"}}').service == Statuspage("p", "${K}")
    assert channel("{command: {run: [tell]}}") == Channel("one", Command(("tell",), 30.0))
    assert channel('{webhook: {url: "${U}", secret: "${S}"}}').service == Webhook("${U}", "${S}")
    page = channel('{status: {url: "https://h/x", token: "${T}"}}').service
    assert page == StatusDocument("https://h/x", "${T}")
    assert secrets_of_service(page) == ("T",)
    assert secrets_of_service(Webhook("${U}", "${S}")) == ("U", "S")


def test_a_recovery_needs_not_be_listed() -> None:
    assert channel('{slack: {url: "${S}"}, events: [failed]}').kinds == (Kind.FAILED,)


@pytest.mark.parametrize(
    "written",
    [
        f"{{github: {{repository: a/b, token: {TOKEN}}}}}",
        f"{{github: {{repository: a/b, token: '{TOKEN}${{X}}'}}}}",
        "{slack: {url: 'https://hooks.slack.com/services/T0/B0/abcdef0123'}}",
        f"{{linear: {{team: {TEAM}, key: lin_api_0123456789}}}}",
        "{statuspage: {page: p, key: abcdef0123}}",
        "{webhook: {url: 'https://h/x', secret: whsec_abcdef0123}}",
        "{status: {url: 'https://h/x', token: abcdef0123}}",
        "{webhook: {url: 'https://user:abcdef0123@h/x', secret: '${S}'}}",
        "{apprise: {url: 'tgram://abcdef0123/x'}}",
        f"{{command: {{run: [tell, --token={TOKEN}]}}}}",
    ],
)
def test_a_secret_is_refused_and_not_repeated(written: str) -> None:
    found = findings(f"notify:\n  channels:\n    one: {written}")
    assert [(one.line, one.excerpt) for one in found] == [(8, "")]
    assert found[0].column > 10
    for secret in (TOKEN, "abcdef0123", "lin_api"):
        assert secret not in str(found)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{}", "a channel has exactly one of: github, slack, linear"),
        ("{from: high}", "a channel has exactly one of"),
        ("{slack: {url: '${A}'}, apprise: {url: '${B}'}}", "a channel has exactly one of"),
        ("{slack: {}}", "'environments.a.notify.channels.one.slack' has no 'url'"),
        ("{slak: {url: '${A}'}}", "'slak' is not a key of"),
        ("{github: {repository: kompass, token: '${T}'}}", "a repository is written owner/name"),
        ("{linear: {team: DEV, key: '${K}'}}", "a team of Linear is named by its id"),
        ("{webhook: {url: 'ftp://h', secret: '${S}'}}", "the address of a webhook is"),
        ("{command: {run: []}}", "'environments.a.notify.channels.one.command.run' is empty"),
        ("{command: {run: [x], timeout: 11m}}", "'timeout' is at most 10m"),
        ("{slack: {url: '${A}'}, from: urgent}", "urgent"),
        ("{slack: {url: '${A}'}, events: [exploded]}", "exploded"),
        ("{slack: {url: '${A}'}, events: [test]}", "test"),
    ],
)
def test_what_is_wrong_with_a_channel(written: str, message: str) -> None:
    found = findings(f"notify:\n  channels:\n    one: {written}")
    assert any(message in one.message for one in found), [one.message for one in found]
    assert all(one.line == 8 for one in found)


def test_what_is_wrong_elsewhere() -> None:
    assert (
        "the name of a channel" in findings("notify: {channels: {'a b': {command: {run: [x]}}}}")[0].message
    )
    for link in ("ftp://h/{run}", "https://h/{id}", "https://a:b@h/{run}"):
        assert "a link is" in findings(f"notify: {{link: '{link}'}}")[0].message
    assert "has no 'reach'" in findings("notify: {contacts: [{name: Ada}]}")[0].message
