"""``reconcile --once``: one pass over the environments."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import click

from reconciler.domain.plan import Change
from reconciler.domain.report import Report, Result
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session


def run(session: Session, *environments: str) -> int:
    """Converge the chosen environments, side by side, and report; returns the exit code."""
    wiring = session.wiring(*environments)
    reconcilers = [wiring.reconciler(environment) for environment in wiring.environments()]
    session.interruption.guarded = True
    try:
        with ThreadPoolExecutor(len(reconcilers) or 1, thread_name_prefix="environment") as pool:
            reports = list(pool.map(lambda reconciler: reconciler.run_once(), reconcilers))
    finally:
        session.interruption.guarded = False
    codes = [code(report, strict=session.strict) for report in reports]
    click.echo(text(session, reports, codes))
    return exit_codes.worst(codes)


def code(report: Report, *, strict: bool) -> int:
    """The exit code of one report; ``strict`` names what stays out of sync on purpose."""
    given = exit_codes.of_report(report)
    on_purpose = (Change.HELD, Change.BLOCKED)
    held = report.plan is not None and any(entry.change in on_purpose for entry in report.plan.entries)
    if strict and held and report.result in (Result.NO_OP, Result.CONVERGED):
        return exit_codes.ON_PURPOSE
    return given


def text(session: Session, reports: list[Report], codes: list[int]) -> str:
    """The reports in the output format that was asked for."""
    if session.output == "json":
        from reconciler.interface.render.json_document import report_document

        return report_document(list(zip(reports, codes, strict=True)))
    from reconciler.interface.render.report_text import report_text
    from reconciler.interface.render.style import Style

    return "\n\n".join(report_text(report, Style(color=session.color)) for report in reports)
