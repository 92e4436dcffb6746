"""Domain values for these tests, each with the fewest words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.domain.check import Check, Http, Request
from reconciler.domain.desired import Desired, Order, Pin, Revision, Service
from reconciler.domain.environment import Environment, Gate
from reconciler.domain.gate import Evidence, Judgement, Sample, Tally
from reconciler.domain.image import ImageRef
from reconciler.domain.journal import Exhibit, ExhibitKind, Run, SampleSummary, Story
from reconciler.domain.observed import Health, Instance, Observed, State
from reconciler.domain.plan import Action, Change, Create, Entry, Plan, Remove, Replace, Start
from reconciler.domain.report import EnvironmentHealth, Outcome, Report, Result, Step, Sync
from reconciler.domain.severity import Decision, Matrix, Phase, Ruling, Severity, Verdict, decide
from reconciler.domain.undo import Undo, UndoState
from reconciler.errors import ReconcileError

COMMIT = "8f3c2d1aa0b1c2d3e4f5061728394a5b6c7d8e9f"
AT = datetime(2026, 9, 30, 14, 4, 31, tzinfo=UTC)
HOSTILE = "\x1b[2J\x1b]0;owned\x07\n::error::hacked\r##[add-mask]x ##vso[task.x]\u202etxt\u2066\x9b\u2028"


def image(name: str, tag: str, digit: str = "") -> str:
    """``ghcr.io/kompass/NAME:TAG@sha256:dddd…``; without a digit, without a digest."""
    return f"ghcr.io/kompass/{name}:{tag}" + (f"@sha256:{digit * 64}" if digit else "")


def revision(
    subject: str = "backend 1.8.2", *, branch: str = "main", author: str = "dev", dirty: bool = False
) -> Revision:
    return Revision(COMMIT, branch, subject, author, dirty)


def environment(*checks: str, soak: float = 60.0, name: str = "production") -> Environment:
    return Environment(
        name=name,
        pins=f"{name}/compose.pins.yaml",
        project=f"kompass-{name}",
        directory=f"/opt/kompass/{name}",
        compose=("docker-compose.yml",),
        gate=Gate(
            120.0, soak, tuple(Check(check, Http(Request(f"http://{check}/health"))) for check in checks)
        ),
    )


def service(
    name: str,
    reference: str = "",
    *,
    replicas: int = 1,
    order: Order = Order.STOP_FIRST,
    restart: str = "unless-stopped",
    one_shot: bool = False,
) -> Service:
    """A service; pinned where ``reference`` has a digest."""
    reference = reference or image(name if name.isidentifier() else "web", "1.8.2", "2")
    pin = Pin(name, ImageRef.parse(reference), 4, 12) if "@" in reference else None
    return Service(
        name,
        reference,
        "hash",
        pin,
        replicas=replicas,
        order=order,
        restart=restart,
        one_shot=one_shot,
        stop_grace_seconds=10.0,
    )


def instance(
    name: str,
    reference: str = "",
    *,
    number: int = 1,
    state: State = State.RUNNING,
    health: Health = Health.HEALTHY,
) -> Instance:
    return Instance(
        id=f"{name}-{number}-id",
        name=f"kompass-production-{name}-{number}",
        service=name,
        number=number,
        config_hash="hash",
        image=reference or image(name, "1.8.1", "1"),
        image_id="sha256:" + "a" * 64,
        state=state,
        health=health,
    )


def observed(*instances: Instance) -> Observed:
    return Observed("kompass-production", instances)


def desired(*services: Service) -> Desired:
    return Desired(environment(), revision(), services)


def entry(
    name: str,
    change: Change = Change.NONE,
    *actions: Action,
    before: str | None = None,
    after: str | None = None,
    cause: str = "",
    pinned: bool = True,
) -> Entry:
    """An entry; without ``before`` and ``after``, one whose image stays the same."""
    same = image(name, "1.8.2", "2")
    return Entry(
        name,
        change,
        cause or "; ".join(action.cause for action in actions),
        same if before is None else before,
        same if after is None else after,
        pinned,
        actions,
    )


def changed(name: str = "backend", *, replicas: int = 1, order: Order = Order.STOP_FIRST) -> Entry:
    """A service that goes from 1.8.1 to 1.8.2."""
    olds = tuple(instance(name, number=number + 1) for number in range(replicas))
    action = Replace(service(name, replicas=replicas, order=order), olds, (), "1.8.1 → 1.8.2")
    return entry(name, Change.CHANGE, action, before=image(name, "1.8.1", "1"))


def created(name: str) -> Entry:
    """A service that is new."""
    action = Create(service(name), 1, "it is not there yet")
    return entry(name, Change.NEW, action, before="")


def started(name: str) -> Entry:
    """A service that somebody stopped."""
    return entry(name, Change.DRIFT, Start(service(name), (instance(name),), "exited with 137"))


def removed(name: str) -> Entry:
    """A service that Git no longer has."""
    action = Remove(name, (instance(name),), "not in the Compose files (prune: true)")
    return entry(name, Change.REMOVED, action, after="", pinned=False)


def orphan(name: str) -> Entry:
    """A service that the Compose files do not know."""
    cause = "not in the Compose files; left alone (prune: false)"
    return entry(name, Change.ORPHAN, after="", cause=cause, pinned=False)


def plan(*entries: Entry, waves: tuple[tuple[str, ...], ...] | None = None) -> Plan:
    acting = tuple(e.name for e in entries if e.actions)
    return Plan("production", tuple(sorted(entries, key=lambda e: e.name)), waves or (acting,))


def sample(subject: str, detail: str, at: float = 37.2, evidence: Evidence = Evidence.BAD) -> Sample:
    return Sample(subject, evidence, at, detail)


def fail(*samples: Sample, seconds: float = 37.2) -> Judgement:
    first = samples[0] if samples else sample("backend", "it cannot be started")
    return Judgement(Verdict.FAIL, f"{first.subject}: {first.detail}", samples, seconds)


def passed(seconds: float = 2.0) -> Judgement:
    return Judgement(Verdict.PASS, "everything stayed good", (), seconds)


def report(
    result: Result,
    of: Plan | None = None,
    outcome: Outcome | None = None,
    *,
    seconds: float = 51.0,
    sync: Sync = Sync.SYNCED,
    health: EnvironmentHealth = EnvironmentHealth.HEALTHY,
    steps: tuple[Step, ...] = (),
    error: ReconcileError | None = None,
    run: str = "",
    undo: Undo | None = None,
    notes: tuple[str, ...] = (),
) -> Report:
    return Report(
        environment="production",
        result=result,
        sync=sync,
        health=health,
        started_at=AT,
        seconds=seconds,
        revision=revision() if of else None,
        plan=of,
        outcome=outcome,
        steps=steps,
        error=error,
        run=run,
        undo=undo,
        notes=notes,
    )


RUN = "01K6XR3F9Q"


def ruling(
    check: str = "check search",
    severity: Severity = Severity.MEDIUM,
    verdict: Verdict = Verdict.FAIL,
    detail: str = "GET http://localhost:7700/health → 503",
    *,
    matrix: Matrix | None = None,
    attended: bool = False,
) -> Ruling:
    """What the matrix (the usual one) says about one check."""
    reaction = (matrix or Matrix()).reaction(severity, verdict, Phase.GATE, attended=attended)
    return Ruling(check, severity, verdict, detail, reaction)


def decision(*rulings: Ruling) -> Decision:
    return decide(rulings, Phase.GATE)


def tally(subject: str, good: int = 3, samples: int = 12) -> Tally:
    return Tally(subject, samples, good, 0.42, sample(subject, "GET http://localhost:7700/health → 503"))


def undo(state: UndoState = UndoState.DONE, detail: str = "pushed to main") -> Undo:
    """The undoing of backend 1.8.2."""
    written = "5b0c7f1" + "0" * 33 if state in (UndoState.DONE, UndoState.PROPOSED) else ""
    return Undo(
        run=RUN,
        release=COMMIT,
        moves=(("backend", image("backend", "1.8.2", "2"), image("backend", "1.8.1", "1")),),
        blocked=(f"backend {image('backend', '1.8.2', '2')} hash",),
        reason="check search: 503",
        state=state,
        commit=written,
        detail=detail,
        attempts=1,
        again_at=AT + timedelta(minutes=2) if state is UndoState.PENDING else None,
    )


def story(**more: Any) -> Story:
    """A release that was rolled back."""
    rejecting = ruling("check search", Severity.CRITICAL, detail="503")
    known: dict[str, Any] = {
        "run": Run(
            RUN,
            "production",
            AT,
            COMMIT,
            "backend 1.8.2",
            "dev",
            (("backend", image("backend", "1.8.1", "1"), image("backend", "1.8.2", "2")),),
            Result.ROLLED_BACK,
            64.2,
            "check search: 503",
        ),
        "steps": (Step("pull", "backend", 8.1, "1.8.2"), Step("gate", "production", 37.2)),
        "verdict": "fail",
        "rule": decision(rejecting).rule,
        "rulings": (rejecting, ruling("check backend", Severity.CRITICAL, Verdict.PASS, "200")),
        "summaries": (
            SampleSummary("gate", "check search", 12, 3, 0.42, sample("check search", "503")),
            SampleSummary("verify", "check search", 5, 5, 0.02, sample("check search", "200")),
        ),
        "restored": "pass",
        "restored_reason": "everything stayed good",
        "exhibits": (
            Exhibit("kompass-production-backend-1", ExhibitKind.LOG, "ERROR one\nbye\n"),
            Exhibit("kompass-production-backend-1", ExhibitKind.DESCRIPTION, '{"Id": "x"}'),
        ),
        "gap_seconds": {"backend": 0.42},
        "notes": ("cannot tag backend:rollback",),
        "undo": undo(),
    }
    return Story(**(known | more))
