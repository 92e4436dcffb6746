"""``reconcile --once``: one pass over the environments."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from reconciler.app.converge import Reconciler
from reconciler.domain.plan import Change
from reconciler.domain.report import Report, Result, Sync
from reconciler.errors import ReconcileError
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session
from reconciler.interface.cli.telling import deliver

if TYPE_CHECKING:
    from reconciler.interface.cli.workflow import Workflow
    from reconciler.interface.wiring import Wiring

MARGIN_SECONDS = 60.0
"""For what a pass takes besides its gate and, should that reject, the verification."""


def run(session: Session, *environments: str, patient: bool = False) -> int:
    """Converge the chosen environments, side by side, and report; returns the exit code.

    Args:
        session: the command line.
        environments: besides those of ``-e``.
        patient: whether to wait for whoever acts just now. After a commit of ours that is mostly the daemon,
            which saw it first; what it did not keep is then no success.
    """
    form = session.form("json", "markdown", "github")
    workflow = session.workflow() if form == "github" else None
    with workflow.ended_by_errors() if workflow else nullcontext():
        wiring = session.wiring(*environments)
        chosen = wiring.environments()
        if workflow:
            from reconciler.interface.cli.masked import secrets_of

            workflow.mask(secrets_of(chosen, os.environ))
        passing = observed_pass if wiring.settings.observe else Reconciler.run_once
        reconcilers = [wiring.reconciler(environment) for environment in chosen]
        if patient:
            reconcilers = [_patient(reconciler) for reconciler in reconcilers]
        reports = _reports(session, reconcilers, passing)
    codes = [code(report, strict=session.strict or patient) for report in reports]
    if workflow:
        _tell(workflow, wiring, session, reports, codes)
    else:
        click.echo(text(session, form, reports, codes))
    deliver(wiring, chosen)
    return exit_codes.worst(codes)


def _patient(reconciler: Reconciler) -> Reconciler:
    """The same, which waits for as long as somebody else's pass may take."""
    gate = reconciler.environment.gate
    longest = 2 * gate.timeout_seconds + gate.soak_seconds + MARGIN_SECONDS
    return replace(reconciler, lock_wait_seconds=max(reconciler.lock_wait_seconds, longest))


def code(report: Report, *, strict: bool) -> int:
    """The exit code of one report; ``strict`` names what stays out of sync on purpose."""
    given = exit_codes.of_report(report)
    on_purpose = (Change.HELD, Change.BLOCKED)
    held = report.plan is not None and any(entry.change in on_purpose for entry in report.plan.entries)
    # What is held may be repaired at the same time, and is shown as that then.
    held = held or (report.brakes.in_force and report.sync in (Sync.PAUSED, Sync.OUT_OF_SYNC))
    if strict and held and report.result in (Result.NO_OP, Result.CONVERGED):
        return exit_codes.ON_PURPOSE
    return given


def text(session: Session, form: str, reports: Sequence[Report], codes: Sequence[int]) -> str:
    """The reports in the output format that was asked for."""
    if form == "json":
        from reconciler.interface.render.json_document import report_document

        return report_document(list(zip(reports, codes, strict=True)))
    if form == "markdown":
        return "\n\n".join(_blocks(reports))
    from reconciler.interface.render.report_text import report_text

    return "\n\n".join(report_text(report, session.style) for report in reports)


def observed_pass(reconciler: Reconciler) -> Report:
    """One pass, and what becomes of its release while it is observed."""
    from reconciler.app.observation import observe

    report = reconciler.run_once()
    try:
        observed = observe(reconciler, report)
    except ReconcileError as error:
        return replace(report, notes=(*report.notes, f"the release could not be observed: {error}"))
    if observed is None:
        return report
    alerts = (f"{ruling.severity} {ruling.check}: {ruling.detail}" for ruling in observed.alerts)
    last = observed.report or report
    return replace(last, notes=(*last.notes, *alerts, f"the release was observed: {observed.reason}"))


def _reports(
    session: Session, reconcilers: Sequence[Reconciler], passing: Callable[[Reconciler], Report]
) -> list[Report]:
    with (
        session.acting(),
        ThreadPoolExecutor(len(reconcilers) or 1, thread_name_prefix="environment") as pool,
    ):
        return list(pool.map(passing, reconcilers))


def _blocks(reports: Sequence[Report]) -> Iterator[str]:
    from reconciler.interface.render.report_markdown import report_blocks

    return (block for report in reports for block in report_blocks(report))


def _tell(
    workflow: Workflow, wiring: Wiring, session: Session, reports: Sequence[Report], codes: Sequence[int]
) -> None:
    """Each report in a group, then what stays when the step is over."""
    from reconciler.interface.cli.workflow import Outputs
    from reconciler.interface.render.github_annotations import of_report
    from reconciler.interface.render.report_text import report_text

    desired = wiring.desired
    pins = {environment.name: desired.path(environment.pins) for environment in wiring.environments()}
    for report in reports:
        workflow.show(report.environment, report_text(report, session.style))
    annotations = [a for report in reports for a in of_report(report, pins[report.environment])]
    told = Outputs(
        changed=any(report.plan is not None and not report.plan.empty for report in reports),
        result=_result(reports, codes),
        code=exit_codes.worst(codes),
        runs=tuple(report.run for report in reports if report.run),
    )
    workflow.end(annotations, _blocks(reports), told, wiring.repository.top)


def _result(reports: Sequence[Report], codes: Sequence[int]) -> str:
    """The result of the environment that decides the exit code; where all is well, whether any converged."""
    worst = exit_codes.worst(codes)
    results = [report.result for report, given in zip(reports, codes, strict=True) if given == worst]
    return str(Result.CONVERGED if Result.CONVERGED in results else (results or [Result.NO_OP])[0])
