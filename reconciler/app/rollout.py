"""A release under way: prepare, switch, gate, then commit or abort. The release is the atomic unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.app.before_release import Ready, Safeguard
from reconciler.app.commit_or_abort import commit
from reconciler.app.gatekeeper import gate
from reconciler.app.host import Host
from reconciler.app.measuring import measured
from reconciler.app.parachute import pack
from reconciler.app.placement import Placement
from reconciler.app.prepare import discard, prepare
from reconciler.app.recover import recover, serving_again
from reconciler.app.rejected import Rejected
from reconciler.app.staying import contracts_of
from reconciler.domain.desired import Desired
from reconciler.domain.gate import Judgement
from reconciler.domain.observed import Observed, Role
from reconciler.domain.placeholders import secrets_named
from reconciler.domain.plan import Change, Plan
from reconciler.domain.report import Outcome, Staying, Verb
from reconciler.domain.severity import Verdict
from reconciler.errors import ReconcileError, Refused

LEAST_SOAK_SECONDS = 0.5
"""What crashes at its start still runs at the first look: one look alone is no evidence."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """One release of one environment.

    Args:
        host: the environment's outside.
        desired: what Git wants.
        files: the Compose files and the pins file, absolute.
        plan: what is to be done.
        observed: the snapshot that the plan was made from.
        reserve: bytes that must stay free where the engine keeps images.
        stamp: ``Compose.stamp`` when the files were read; None where that cannot be told.
        parachute: whether to refuse a release from which there is no way back.
        before_switch: asked just before anything that serves is touched; what it says becomes notes.
        before_commit: told before the predecessors go, should we be killed meanwhile.
        before_abort: told of the judgement before a release is undone, should we be killed meanwhile, and of
            what is not taken back, where data is in the way; what it says becomes notes.
        safeguard: looks after the data of the release.
    """

    host: Host
    desired: Desired
    files: Sequence[Path]
    plan: Plan
    observed: Observed
    reserve: int
    stamp: object | None = None
    parachute: bool = True
    before_switch: Callable[[], tuple[str, ...]] = field(default=lambda: ())
    before_commit: Callable[[], None] = field(default=lambda: None)
    before_abort: Callable[[Judgement, Staying | None], tuple[str, ...]] = field(
        default=lambda _judgement, _staying: ()
    )
    safeguard: Safeguard = field(default_factory=Safeguard)

    def run(self) -> Outcome:
        """The whole rollout.

        Raises:
            ReconcileError: before or from the preparation, and nothing that serves was touched; or the engine
                went away, and the next pass goes on from what it finds.
        """
        plan, observed = recover(self.host, self.plan, self.observed)
        ready = self._ready(plan, observed)
        notes = (*ready.notes, *self.before_switch())
        placement = Placement(self.host, self.desired, plan, observed, ready.prepared, ready.baseline)
        judgement = placement.place_all()
        if judgement.verdict is Verdict.PASS:
            judgement = self._judge(placement)
        if judgement.verdict is Verdict.PASS:
            self.before_commit()
            outcome = commit(placement, judgement)
        else:
            rejected = Rejected(placement, judgement, self.safeguard, ready)
            outcome = rejected.undone(self.before_abort)
        return replace(outcome, notes=(*notes, *outcome.notes))

    def _ready(self, plan: Plan, observed: Observed) -> Ready:
        """Everything that comes before the switch. Where that fails, what crashed serves again."""
        with serving_again(self.host, plan, observed):
            self._refuse_unaskable(plan, observed)
            with measured(self.host, self.desired, plan, observed) as baseline:
                pack(self.host, self.desired.environment, plan, refuse=self.parachute)
                prepared = prepare(
                    self.host, self.desired, self.files, plan, observed, self.reserve, self.stamp
                )
            try:
                contracts = contracts_of(self.host, self.desired, plan, prepared)
                backup, notes = self.safeguard.before(self.host, self.desired, self.files, plan, observed)
            except ReconcileError:
                discard(self.host, prepared.pairings, prepared.created)
                raise
        return Ready(prepared, baseline(), contracts, backup, (*contracts.notes, *notes))

    def _refuse_unaskable(self, plan: Plan, observed: Observed) -> None:
        """A release whose checks cannot even be asked is not begun.

        Repairs are: they make things no worse. So is what an interrupted pass had switched: it must not
        go on unjudged, and is undone when it cannot be judged.

        Raises:
            Refused: secrets that checks name are not set here.
        """
        released = any(e.change in (Change.CHANGE, Change.NEW) and e.actions for e in plan.entries)
        if not released or any(i.role is Role.PREDECESSOR for i in observed.instances):
            return
        named = secrets_named(self.desired.environment.gate.checks)
        lacking = {check: self.host.probe.missing(names) for check, names in named.items()}
        lacking = {check: names for check, names in lacking.items() if names}
        if lacking:
            each = ", ".join(f"check {check} needs {' and '.join(names)}" for check, names in lacking.items())
            raise Refused(
                f"the release could not be judged: {each}, and there is no value here",
                hint="Set it in reconcile's environment, or name a file that holds it: NAME_FILE",
            )

    def _judge(self, placement: Placement) -> Judgement:
        """Judge what was touched, and the environment's checks."""
        subjects = placement.subjects()
        if not subjects:
            return Judgement(Verdict.PASS, "nothing was switched")
        how = self.desired.environment.gate
        how = replace(how, soak_seconds=max(how.soak_seconds, LEAST_SOAK_SECONDS))
        with self.host.step(Verb.GATE, self.desired.environment.name):
            return gate(self.host, subjects, how, placement.scope())
