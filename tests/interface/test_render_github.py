"""The language of GitHub's runners, read back the way a runner reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.domain.foreign import text_of
from reconciler.domain.plan import Change
from reconciler.domain.report import Outcome, Report, Result
from reconciler.domain.severity import Severity, Verdict
from reconciler.domain.undo import UndoState
from reconciler.errors import Finding, InvalidState, PullFailed
from reconciler.interface.render.github import (
    Annotation,
    Kind,
    annotation_commands,
    command,
    group,
    inert,
    masks,
    outputs,
)
from reconciler.interface.render.github_annotations import of_error, of_plan, of_report
from reconciler.interface.render.markdown import details, fitting
from reconciler.interface.render.report_markdown import plan_blocks, report_blocks
from reconciler.interface.render.report_text import report_text
from reconciler.interface.render.status_text import Status
from reconciler.interface.render.style import Style
from tests.interface import values as v

PINS = "state/production/compose.pins.yaml"
ANYTHING = st.text(st.characters(codec="utf-8"), max_size=60) | st.sampled_from(
    [v.HOSTILE, "::error::x", "a\n::set-output name=x::y", "%0A::warning::x", "##[error]x", "\r::add-mask::x"]
)


@dataclass(frozen=True, slots=True)
class Said:
    """One command as a runner understands it."""

    name: str
    value: str
    properties: dict[str, str]


def _unescaped(text: str, *, data: bool) -> str:
    for escape, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ",")):
        text = text if data and escape in ("%3A", "%2C") else text.replace(escape, character)
    return text.replace("%25", "%")


def obeyed(text: str) -> list[Said]:
    r"""The commands that a runner takes from what a step printed, a line at a time; \r ends one too."""
    said, stopped = [], ""
    for line in re.split(r"\r\n|\r|\n", text):
        match = re.match(r"\s*::([^ :]+)(?: (.*?))?::(.*)", line)
        legacy = re.search(r"##\[([^\]\s]+)[^\]]*\]", line)
        name = match[1] if match else legacy[1] if legacy else ""
        if not name or (stopped and name != stopped):
            continue
        if name == stopped:
            stopped = ""
            continue
        assert match is not None, f"an old command got through: {line!r}"
        value = _unescaped(match[3], data=True)
        if name == "stop-commands":
            stopped = value
            continue
        pairs = [pair.partition("=") for pair in (match[2] or "").split(",") if pair]
        said.append(Said(name, value, {key: _unescaped(text, data=False) for key, _, text in pairs}))
    assert not stopped, "commands stay stopped"
    return said


@given(ANYTHING, ANYTHING, ANYTHING)
def test_whatever_is_said_is_one_command_and_comes_back_as_it_was(one: str, two: str, three: str) -> None:
    line = command("error", one, {"file": two, "title": three})
    assert "\n" not in line
    assert "\r" not in line
    [said] = obeyed(line)
    assert said == Said("error", one, {k: t for k, t in (("file", two), ("title", three)) if t})


def test_escaping_is_that_of_the_toolkit() -> None:
    line = command("error", "100 %\r\nnext", {"file": "a,b.yaml", "title": "E104: unknown"})
    assert line == "::error file=a%2Cb.yaml,title=E104%3A unknown::100 %25%0D%0Anext"
    assert command("endgroup") == "::endgroup::"


@given(ANYTHING)
def test_nothing_in_a_group_is_obeyed(text: str) -> None:
    said = obeyed(group(text, text))
    assert [one.name for one in said] == ["group", "endgroup"]


def test_the_word_that_ends_a_stop_is_never_the_same() -> None:
    assert inert("x") != inert("x")
    assert len(inert("x").split("\n")[0]) > len("::stop-commands::") + 30


def test_nine_of_a_kind_and_one_that_counts_the_rest() -> None:
    many = [Annotation(kind, f"t{n}", "m") for kind in (Kind.NOTICE, Kind.ERROR) for n in range(12)]
    said = obeyed("\n".join(annotation_commands([*many, Annotation(Kind.WARNING, "t", "m")])))
    assert [one.name for one in said] == ["error"] * 10 + ["warning"] + ["notice"] * 10
    assert said[9].value == "3 more of this kind are in the log and in the summary"
    assert said[9].properties == {"title": "12 errors"}
    nine = [Annotation(Kind.ERROR, f"t{n}", "m") for n in range(9)]
    assert len(annotation_commands([*nine, nine[0]])) == 9, "the same is said once"


def test_secrets_are_masked_line_by_line() -> None:
    assert masks(["s3cr3t%", "-----BEGIN-----\nabc\n", "", "  \n", "s3cr3t%"]) == [
        "::add-mask::s3cr3t%25",
        "::add-mask::-----BEGIN-----",
        "::add-mask::abc",
    ]


def _read_outputs(text: str) -> dict[str, str]:
    """The file as a runner reads it: a name and a delimiter, lines, the delimiter."""
    values, lines = {}, iter(text.splitlines())
    for line in lines:
        name, _, end = line.partition("<<")
        value = []
        while (part := next(lines)) != end:
            value.append(part)
        values[name] = "\n".join(value)
    return values


@given(st.dictionaries(st.sampled_from(["changed", "result", "run-id"]), ANYTHING))
def test_outputs_cannot_add_others(values: dict[str, str]) -> None:
    text = outputs(values)
    assert set(_read_outputs(text)) == set(values)
    assert len(re.split(r"\r\n|\r|\n", text)) == 3 * len(values) + 1


def test_outputs_have_delimiters_that_nobody_knows() -> None:
    text = outputs({"changed": "true", "run-id": v.RUN})
    assert _read_outputs(text) == {"changed": "true", "run-id": v.RUN}
    assert text != outputs({"changed": "true", "run-id": v.RUN})


# --- What is annotated ----------------------------------------------------------------------------


def _rejected(**more: Any) -> Report:
    decision = v.decision(v.ruling("check search", Severity.CRITICAL))
    judgement = replace(v.fail(v.sample("check search", "503")), decision=decision)
    outcome = Outcome(Result.ROLLED_BACK, judgement, v.passed(), {"backend": 0.42}, excerpts={"b-1": "bye"})
    plan = v.plan(v.changed(), v.created("mailer"), v.started("worker"), v.entry("db"))
    return replace(v.report(Result.ROLLED_BACK, plan, outcome, run=v.RUN), **more)


def _said(report: Report) -> list[Said]:
    return obeyed("\n".join(annotation_commands(of_report(report, PINS))))


def test_a_rejection_is_an_error_on_the_line_of_its_pin() -> None:
    first, second = _said(_rejected())
    assert first == Said(
        "error",
        "backend 1.8.2 was not kept in production: check search: 503\n"
        "rule: critical check search failed: roll back at once\n"
        "1.8.1 runs again\n"
        "evidence: reconcile history show 01K6XR3F9Q",
        {"file": PINS, "line": "4", "col": "12", "title": "production: backend rolled-back"},
    )
    assert second.properties["title"] == "production: mailer rolled-back"
    assert "it was removed again" in second.value


def test_alerts_are_warnings_and_reports_are_notices() -> None:
    alert, told = v.ruling(), v.ruling("check docs", Severity.LOW, Verdict.FAIL, "404")
    outcome = Outcome(Result.CONVERGED, replace(v.passed(), decision=v.decision(alert, told)))
    report = v.report(Result.CONVERGED, v.plan(v.changed()), outcome, notes=("older images stay",))
    assert [(one.name, one.value) for one in _said(report)] == [
        (
            "warning",
            "medium check search failed: alert, again after 60 min\nGET http://localhost:7700/health → 503",
        ),
        ("warning", "older images stay"),
        ("notice", "low check docs failed: report\n404"),
    ]


def test_what_git_does_not_know_is_a_warning() -> None:
    owed = v.report(Result.NO_OP, v.plan(v.entry("a")), undo=v.undo(UndoState.PENDING, "no route"))
    assert [(one.name, one.value.split(":")[0]) for one in _said(owed)] == [
        ("warning", "production is ahead of Git")
    ]
    done = v.report(Result.NO_OP, v.plan(v.entry("a")), undo=v.undo())
    assert [one.name for one in _said(done)] == ["notice"]


def test_findings_are_where_they_are() -> None:
    findings = (
        Finding(
            "state/staging/compose.pins.yaml", 6, 3, "'wroker' is not a service", "did you mean 'worker'?"
        ),
        Finding("compose.yaml", 0, 0, "differs from the commit"),
    )
    error = InvalidState("bad files", findings=findings)
    said = obeyed("\n".join(annotation_commands(of_error(error))))
    assert said == [
        Said("error", "differs from the commit", {"file": "compose.yaml", "title": "bad files"}),
        Said(
            "error",
            "'wroker' is not a service\nhelp: did you mean 'worker'?",
            {"file": "state/staging/compose.pins.yaml", "line": "6", "col": "3", "title": "bad files"},
        ),
    ]


def test_a_failure_without_findings_has_no_place() -> None:
    said = _said(v.report(Result.FAILED, error=PullFailed("cannot pull", hint="Log in")))
    assert said == [Said("error", "cannot pull\nhelp: Log in", {"title": "production"})]


def test_a_blocked_pin_is_a_warning_on_its_line() -> None:
    plan = v.plan(v.entry("backend", Change.BLOCKED, cause="1.8.2 was rejected here"), v.entry("db"))
    pin = v.service("backend").pin
    assert pin is not None
    [said] = obeyed("\n".join(annotation_commands(of_plan("production", plan, PINS, {"backend": pin}))))
    assert said.name == "warning"
    assert said.properties == {
        "file": PINS,
        "line": "4",
        "col": "12",
        "title": "production: backend blocked",
    }


def test_a_release_that_converged_quietly_says_nothing() -> None:
    assert _said(v.report(Result.CONVERGED, v.plan(v.changed()), Outcome(Result.CONVERGED, v.passed()))) == []


# --- Hostile text ---------------------------------------------------------------------------------


def _hostile() -> Report:
    """Every field that somebody else writes, among them what a container wrote to its log."""
    bad = v.HOSTILE
    sample = v.sample(bad, bad)
    rulings = [v.ruling(bad, severity, Verdict.FAIL, bad) for severity in Severity]
    judgement = replace(v.fail(sample), decision=v.decision(*rulings))
    log = (
        f"{bad}\n::warning::from a log\n##[command]rm\n</pre></details><script>\n| a | b |\n```\n::endgroup::"
    )
    excerpts = {f"</summary>{bad}": log}
    outcome = Outcome(
        Result.ROLLED_BACK, judgement, v.passed(), {}, excerpts, exonerated=(bad,), notes=(bad,)
    )
    plan = v.plan(replace(v.changed(), name=bad), v.entry(f"{bad}2", Change.BLOCKED, cause=bad))
    report = v.report(Result.ROLLED_BACK, plan, outcome, run=bad, undo=v.undo(detail=bad), notes=(bad,))
    return replace(report, environment=bad, revision=v.revision(bad, branch=bad, author=bad))


def test_a_container_cannot_talk_to_the_runner() -> None:
    report = _hostile()
    printed = "\n".join(
        [
            group(report.environment, report_text(report, Style())),
            *annotation_commands([*of_report(report, v.HOSTILE), *of_error(PullFailed(v.HOSTILE))]),
        ]
    )
    said = obeyed(printed)
    assert [one.name for one in said if one.name not in tuple(Kind)] == ["group", "endgroup"]
    for one in said:
        assert not obeyed(one.value), "what a runner writes into its own log is read by nobody as a command"


def test_a_container_cannot_write_the_summary() -> None:
    text = "\n\n".join(report_blocks(_hostile()))
    assert not obeyed(text)
    assert "<script>" not in text
    assert text.count("<pre>") == text.count("</pre>") == text.count("</details>") == text.count("<summary>")
    tags = set(re.findall(r"</?[a-z]+>", text))
    assert tags == {"<details>", "</details>", "<summary>", "</summary>", "<pre>", "</pre>"}
    outside = re.sub(r"<pre>.*?</pre>", "", text, flags=re.DOTALL)
    assert "| a | b |" not in outside
    assert "```" not in outside


@given(
    ANYTHING | st.sampled_from(["[a](http://x)", "![i](u)", "<b>", "@team", "#12", "www.x.y", "*a*", "a|b"])
)
def test_text_in_markdown_is_text(text: str) -> None:
    shown = text_of(text)
    assert "\n" not in shown
    assert not re.search(r"<|>|@|://|www\.|(?<!\\)[`*_\[\]|~]", shown)
    assert not re.search(r"(?<!&)#", shown)


@given(ANYTHING | st.sampled_from(["</pre>", "</details>\n\n# x", "\n\n\n", "<img src=x onerror=y>"]))
def test_details_hold_whatever_is_put_into_them(text: str) -> None:
    block = details(text, text)
    head, body = block.split("</summary>\n\n<pre>\n")
    assert body.endswith("\n</pre>\n\n</details>")
    assert "<" not in body.removesuffix("\n</pre>\n\n</details>")
    assert "<" not in head.removeprefix("<details><summary>")
    assert "\n" not in head


# --- The summary ----------------------------------------------------------------------------------


def test_a_summary() -> None:
    assert (
        "\n\n".join(report_blocks(_rejected(undo=v.undo())))
        == """\
### production: rolled-back in 51s

run 01K6XR3F9Q, main&#64;8f3c2d1 “backend 1.8.2” by dev

| Service | Old → new | Result | Time |
|---|---|---|---|
| backend | 1.8.1 → 1.8.2 | rolled back | 0.42s without a container |
| db | 1.8.2 | unchanged | - |
| mailer | 1.8.2 | removed again | - |
| worker | 1.8.2 | drift | - |

**Reason:** check search: 503

**Rule:** critical check search failed: roll back at once

| Check | Severity | Verdict | Reaction | Seen |
|---|---|---|---|---|
| check search | critical | fail | roll back at once | GET http&#58;//localhost:7700/health → 503 |

blocked: backend 1.8.2 and mailer 1.8.2 will not be tried again in production until it changes  \n\
help: to try it again as it is: reconcile unblock production backend mailer

Git: 5b0c7f1 reverts 8f3c2d1, pushed to main

<details><summary>Last lines of b-1</summary>

<pre>
bye
</pre>

</details>"""
    )


def test_a_plan_and_a_check_have_summaries_too() -> None:
    finding = Finding("a.yaml", 6, 3, "no", "yes")
    failed = Status("staging", error=InvalidState("bad", findings=(finding,), hint="Commit"))
    assert "\n\n".join(plan_blocks(failed)) == (
        "### staging: plan\n\n**bad**\n\n| Where | Problem | Help |\n|---|---|---|\n| a.yaml:6 | no | yes |"
        "\n\nHelp: Commit"
    )
    good = Status("production", revision=v.revision(), plan=v.plan(v.changed(), v.entry("db")))
    assert "| backend | change | 1.8.1 → 1.8.2 | 1.8.1 → 1.8.2 |" in "\n\n".join(plan_blocks(good))
    assert "No changes." in "\n\n".join(plan_blocks(replace(good, plan=v.plan(v.entry("db")))))


@pytest.mark.parametrize("most", [0, 10, 200, 4096, 10**6])
def test_a_summary_is_cut_between_blocks(most: int) -> None:
    blocks = ["head", *(f"<details>{n}" + "ä" * 700 + "</details>" for n in range(40)), "tail"]
    text = fitting(blocks, most)
    assert len(text.encode()) <= most
    assert text.count("<details>") == text.count("</details>")
    assert ("was left out" in text) == (100 < most < 10**5)
    assert fitting(["a", "b"], 1000) == "a\n\nb\n\n"
