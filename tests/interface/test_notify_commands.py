"""``notify`` from the command line, with a channel that is a real program."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.adapters.docker_host import DockerHost
from reconciler.adapters.host_state import Place, SqliteOutbox
from reconciler.domain.channels import Channel, Contact, Notify, Slack
from reconciler.domain.events import Event, Kind
from reconciler.domain.outgoing import failed, given_up, sending
from reconciler.errors import NoticeRefused
from reconciler.interface.notice_wiring import details_of, notifier_of
from reconciler.interface.render.notices_text import undelivered_lines
from tests.bed.fake_turns import FakePauses
from tests.bed.journal_values import AT
from tests.bed.notice_values import event
from tests.interface import values as v
from tests.interface.test_commands import ENGINE, ENV, SETTINGS, Here, here

__all__ = ["here"]


@pytest.fixture
def told(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the channel `script` was told, one message a line; `broken` never takes anything."""
    monkeypatch.setenv("RECONCILE_ALLOW", "production/notify:host")
    file, script = tmp_path / "told", tmp_path / "tell"
    script.write_text(f"#!/bin/sh\ncat >>{file}\necho >>{file}\n")
    script.chmod(0o755)
    channels = {"script": {"command": {"run": [str(script)]}}, "broken": {"command": {"run": ["/bin/false"]}}}
    notify = json.dumps({"channels": channels, "contacts": [{"name": "Ada", "reach": "+49 1"}]})
    here.commit({"state/reconcile.yaml": f"{SETTINGS.rstrip()}\n    notify: {notify}\n"}, "tell somebody")
    return file


def outbox(here: Here) -> SqliteOutbox:
    return SqliteOutbox(Place(here.state, ENGINE))


def test_a_channel_can_be_tried(here: Here, told: Path) -> None:
    said = here("notify", "test", "script", "-e", "production")
    assert said.code == 64, "-e is a global option, and stands before the command"
    said = here("-e", "production", "notify", "test", "script")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("production: script took a test message in ")
    assert "nothing has happened" in told.read_text()
    assert outbox(here).waiting(ENV) == (), "it goes past the outbox"


def test_a_channel_that_does_not_take_it_is_an_error(here: Here, told: Path) -> None:
    assert here("notify", "test", "broken").code in (1, 69)
    assert not told.exists()


def test_a_channel_that_is_not_there_is_a_matter_of_usage(here: Here, told: Path) -> None:
    said = here("notify", "test", "pager")
    assert said.code == 64
    assert "there is no channel 'pager'" in said.err
    assert "There are: script and broken" in said.err
    assert here("notify", "test").code == 64


def test_what_waits_is_listed_and_why(here: Here, told: Path) -> None:
    assert here("notify").out == "Nothing waits: everybody was told.\n"
    box = outbox(here)
    box.put(ENV, event("1", Kind.ROLLBACK_FAILED), ["broken", "script"])
    first, second = box.due(ENV, AT)
    box.note(ENV, failed(sending(first, AT), AT, "it does not answer\x1b[2J"))
    box.note(ENV, given_up(sending(second, AT), "410 Gone"))
    box.close()
    said = here("notify", "production")
    assert said.code == 0
    lines = [line.split() for line in said.out.splitlines()]
    assert lines[1][:4] == ["production", "broken", "rollback-failed", "waiting"]
    assert lines[2][:4] == ["production", "script", "rollback-failed", "given-up"]
    assert "it does not answer\\x1b" in said.out
    assert "410 Gone" in said.out


def test_a_pause_and_its_end_are_told_at_once(
    here: Here, told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DockerHost, "pauses", FakePauses())
    assert here("pause", "production", "-m", "migrating").code == 0
    assert here("resume", "production").code == 0
    messages = [json.loads(line) for line in told.read_text().splitlines() if line]
    assert [(one["kind"], one["by"], one["reason"]) for one in messages] == [
        ("paused", "Ada", "migrating"),
        ("resumed", "Ada", "migrating"),
    ]
    assert messages[0]["incident"] == messages[1]["incident"]
    left = outbox(here).waiting(ENV)
    assert {one.channel for one in left} == {"broken"}, "what does not take it holds up nothing"


def test_status_says_what_was_not_told() -> None:
    box_of = [event("1"), event("2"), event("3")]
    from reconciler.domain.events import Message

    waits = failed(sending(Message(1, "hook", box_of[0]), AT), AT, "it does not answer")
    lost = given_up(sending(Message(3, "chat", box_of[2]), AT), "410 Gone")
    fresh = Message(4, "mail", box_of[2])
    lines = undelivered_lines([waits, Message(2, "hook", box_of[1]), lost, fresh], AT + timedelta(minutes=5))
    assert lines == [
        "hook: 2 messages not delivered yet (since 5m00s): it does not answer",
        "chat: 1 message given up (since 5m00s): 410 Gone",
    ]


def test_a_secret_without_a_value_is_named() -> None:
    channel = Channel("chat", Slack("${SLACK_URL}"))
    with pytest.raises(NoticeRefused, match="SLACK_URL"):
        notifier_of(ENV, channel, {})
    notifier_of(ENV, channel, {"SLACK_URL": "https://hooks.slack.com/services/a/b/c"})


def test_the_report_of_the_incident_goes_with_its_message(here: Here) -> None:
    run = here.released()
    environment = replace(ENV, notify=Notify(contacts=(Contact("Ada @all", "+49 1", "always"),)))

    def details(of: Event) -> str:
        return details_of(environment, here.journal, {}, of)

    back = event("1", Kind.ROLLED_BACK, run=run)
    assert details(back).startswith(f"<!-- reconcile incident {run} -->\n# Incident: production")
    assert details(back).endswith("## Contacts\n\n- **Ada &#64;all:** +49 1 (always)")
    assert details(replace(back, run="0GONE")).startswith("## Contacts")
    assert details(event("1")) == ""


def test_no_secret_is_in_what_goes_with_a_message(here: Here) -> None:
    log = v.story().exhibits[0]
    run = here.released(v.story(exhibits=(replace(log, text="password is hunter22-again"),)))
    environment = replace(ENV, notify=Notify((Channel("chat", Slack("${SLACK_URL}")),)))
    environ = {"SLACK_URL": "hunter22-again"}
    found = details_of(environment, here.journal, environ, event("1", Kind.ROLLED_BACK, run=run))
    assert "password is ***" in found
    assert "hunter22" not in found


def test_a_command_on_this_host_is_a_matter_of_this_host(
    here: Here, told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILE_ALLOW", "staging/notify:host")
    said = here("-e", "production", "notify", "test", "script")
    assert said.code == 1
    assert "RECONCILE_ALLOW=production/notify:host" in said.err
    assert not told.exists()


def test_a_silent_daemon_is_told_once_until_it_is_over(here: Here, told: Path) -> None:
    assert here("watch", "--tell").code == 64
    for _ in range(3):
        said = here("watch", "--alive", "--tell")
        assert said.code == 1
        assert "not alive" in said.err
    (message,) = [json.loads(line) for line in told.read_text().splitlines() if line]
    assert (message["kind"], message["severity"], message["environment"]) == (
        "daemon-silent",
        "critical",
        "production",
    )
    assert here("watch", "--alive").code == 1
