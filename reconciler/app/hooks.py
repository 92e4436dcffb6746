"""Run what an environment wants to have run at moments of a release.

A hook never hides what happened: one that fails before a release or a restore stops that with an error of its
own, one that fails afterwards is a note beside the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.app.host import Host
from reconciler.domain.contract import released
from reconciler.domain.data import Hook, HookFailure, Moment
from reconciler.domain.desired import Desired
from reconciler.domain.observed import Role
from reconciler.domain.plan import Create, Plan, Replace
from reconciler.domain.report import Outcome, Result, Verb
from reconciler.errors import HookFailed, ReconcileError
from reconciler.ports import Ran

NEXT = {
    Moment.BEFORE_RELEASE: "The release was not begun, and nothing that serves was touched",
    Moment.BEFORE_RESTORE: "No data was touched",
}


@dataclass(frozen=True, slots=True)
class HookRunner:
    """Runs the hooks of one release.

    Args:
        host: the environment's outside.
        desired: what Git wants.
        files: the Compose files and the pins file, absolute.
        run: the pass, as the journal knows it.
        services: what is released.
    """

    host: Host
    desired: Desired
    files: Sequence[Path]
    run: str = ""
    services: tuple[str, ...] = field(default=())

    def at(
        self,
        moment: Moment,
        *,
        result: str = "",
        images: Mapping[str, str] | None = None,
        stops: bool = True,
    ) -> tuple[str, ...]:
        """Run the hooks of a moment, in their order; returns what went wrong and stops nothing.

        Args:
            moment: which ones.
            result: how the release ended, where it has.
            images: service → image that its container gets, instead of what is desired.
            stops: whether a failure may stop anything at all; a way back is never stopped.

        Raises:
            HookFailed: a hook that stops what comes next; the rest of them is not run.
            ReconcileError: before that: the engine went away, or the environment was taken over.
        """
        notes = list[str]()
        wanted = self.desired.environment.data.at(moment)
        for number, hook in enumerate(wanted, 1):
            subject = f"{moment} {number}" if wanted[1:] else str(moment)
            try:
                self._run(hook, subject, result, {**self.desired.instead, **(images or {})})
            except ReconcileError as error:
                if stops and hook.failure is HookFailure.STOP:
                    raise
                notes.append(error.problem)
        return tuple(notes)

    def _run(self, hook: Hook, subject: str, result: str, images: Mapping[str, str]) -> None:
        what = f"{hook.service or 'on the host'}: {hook.command[0]}"
        with self.host.step(Verb.HOOK, subject, what) as doing:
            ended = False
            try:
                variables = self._variables(hook, result)
                ran = self.host.hooks.run(self.desired.environment, self.files, hook, variables, images)
                ended = ran.code is not None
            finally:
                if hook.service and not ended:
                    remove_one_offs(self.host, self.desired.environment.project)
            doing.detail = f"{what}\n{ran.output}" if ran.output else what
            if ran.code != 0:
                raise self._failed(hook, subject, ran)

    def _variables(self, hook: Hook, result: str) -> dict[str, str]:
        """Which release it is, for whoever needs to know."""
        told = {
            "RECONCILE_ENVIRONMENT": self.desired.environment.name,
            "RECONCILE_REVISION": self.desired.revision.commit,
            "RECONCILE_RUN": self.run,
            "RECONCILE_MOMENT": str(hook.moment),
            "RECONCILE_SERVICES": " ".join(self.services),
            "RECONCILE_RESULT": result,
        }
        return {name: value for name, value in told.items() if value}

    def _failed(self, hook: Hook, subject: str, ran: Ran) -> HookFailed:
        where = f"in a container of {hook.service}" if hook.service else "on the host"
        ended = f"did not end within {hook.time_limit_seconds:g} s"
        how = ended if ran.code is None else f"exited with {ran.code}"
        last = ran.output.strip().rpartition("\n")[2]
        said = f": {last[:200]}" if last else ""
        hint = NEXT.get(hook.moment, "")
        return HookFailed(f"hook {subject}: {hook.command[0]} {where} {how}{said}", hint=hint)


def remove_one_offs(host: Host, project: str) -> None:
    """Remove the containers of commands that had to be ended.

    Where that cannot be done now the next pass does it, and what the command came to is what counts.
    """
    with suppress(ReconcileError):
        for instance in host.engine.observe(project).instances:
            if instance.role is Role.TEMPLATE:
                host.engine.stop(instance.id, 0.0)
                host.engine.remove(instance.id)


def afterwards(
    host: Host, desired: Desired, files: Sequence[Path], plan: Plan, outcome: Outcome, run: str
) -> tuple[str, ...]:
    """Run the hooks that follow a release that was kept, or its rollback; returns what went wrong.

    Args:
        host: the environment's outside.
        desired: what was wanted.
        files: the Compose files and the pins file, absolute.
        plan: what was done.
        outcome: how it ended.
        run: the pass.
    """
    brought = tuple(
        e for e in plan.entries if any(isinstance(action, (Replace, Create)) for action in e.actions)
    )
    if outcome.result is Result.ROLLED_BACK:
        runner = HookRunner(host, desired, files, run, tuple(e.name for e in brought))
        before = {e.name: e.before for e in brought if e.before and e.name not in desired.instead}
        return runner.at(Moment.AFTER_ROLLBACK, result=str(outcome.result), images=before)
    services = released(plan, desired.instead)
    if outcome.result is Result.CONVERGED and services:
        runner = HookRunner(host, desired, files, run, services)
        return runner.at(Moment.AFTER_RELEASE, result=str(outcome.result))
    return ()
