"""docs/runbook.md has every section of a runbook for rollbacks, and no command that is not one."""

from __future__ import annotations

import re

import click
import pytest
import yaml

from reconciler.interface.cli.main import COMMANDS, reconcile
from tests.bed.runbook import PAGE, commands, sections

SECTIONS = (
    *("Rollback Procedures", "Table of Contents"),
    *("When to Rollback", "Critical Issues", "High Priority Issues", "Monitor Before Rolling Back"),
    *("Automatic Rollback", "Production Deployment", "Staging Deployment"),
    *("Manual Rollback", "Prerequisites", "Rollback Steps", "1. SSH to Server"),
    *("2. Navigate to Deployment Directory", "3. Run Rollback Script", "4. Verify Rollback"),
    "Manual Rollback (Without Script)",
    *("Database Rollback", "CouchDB Rollback", "MeiliSearch Rollback"),
    *("Verification", "1. Health Checks", "2. Functional Tests", "3. Monitor Logs", "4. User Verification"),
    *("Post-Rollback", "1. Document the Issue", "2. Notify Stakeholders", "3. Plan Fix", "4. Prevention"),
    "Rollback Decision Matrix",
    *("Emergency Contacts", "During Business Hours", "After Hours"),
    *("Rollback History", "Related Documentation"),
)
CALLS = [(section, words) for section in sections() for words in commands(section)]


def test_the_sections_are_those_of_the_runbook_in_its_order() -> None:
    assert tuple(sections()) == SECTIONS


def test_the_commands_of_the_page_are_found() -> None:
    called = {word for _, words in CALLS for word in words} & COMMANDS.keys()
    assert called >= {"rollback", "verify", "restore", "reindex", "incident", "history", "promote", "doctor"}
    assert len(CALLS) > 25


@pytest.mark.parametrize(("section", "words"), CALLS, ids=[" ".join(words) for _, words in CALLS])
def test_a_command_of_the_page_is_one_that_the_program_has(section: str, words: list[str]) -> None:
    parse(words)


@pytest.mark.parametrize("words", [["rolback"], ["verify", "--explian"], ["restore", "production"]])
def test_one_that_it_does_not_have_would_be_noticed(words: list[str]) -> None:
    with pytest.raises(click.UsageError):
        parse(words)


def parse(words: list[str]) -> None:
    """Read a command line as the program does, and do nothing.

    Raises:
        click.UsageError: it is none.
    """
    at = next((number for number, word in enumerate(words) if word in COMMANDS), len(words))
    context = reconcile.make_context("reconcile", words[:at])
    if at == len(words):
        if context.params["once"]:
            return
        raise click.UsageError(f"{' '.join(words)} does nothing")
    command = reconcile.get_command(context, words[at])
    assert command is not None
    command.make_context(words[at], words[at + 1 :], parent=context)


def test_the_contacts_of_the_page_are_those_of_the_settings() -> None:
    """Where alerts take them from as well."""
    text = sections()["Emergency Contacts"]
    (block,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    settings = yaml.safe_load((PAGE.parents[1] / "state/reconcile.yaml").read_text())
    notify = settings["environments"]["production"]["notify"]
    assert yaml.safe_load(block)["notify"]["contacts"] == notify["contacts"]
    for heading, when in (("During Business Hours", "business hours"), ("After Hours", "after hours")):
        names = [one["name"] for one in notify["contacts"] if one["when"] == when]
        assert sections()[heading].strip() == f"{', '.join(names)}."


def test_links_of_the_page_lead_somewhere() -> None:
    for target, anchor in re.findall(r"\]\(([^)#]*)(#[^)]*)?\)", PAGE.read_text()):
        file = (PAGE.parent / target) if target else PAGE
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"(?m)^#+ (.+)$", file.read_text())
            slugs = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
            assert anchor[1:] in slugs, f"{target}{anchor}"
