"""``reconcile verify [ENV]``: run the environment's checks now, without deploying."""

from __future__ import annotations

from dataclasses import replace

import click

from reconciler.app.converge import Reconciler
from reconciler.app.verify import verify
from reconciler.domain.check import Compared
from reconciler.domain.environment import Environment
from reconciler.domain.foreign import foreign
from reconciler.domain.gate import Judgement
from reconciler.domain.report import Verb
from reconciler.domain.severity import Verdict
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session


@click.command("verify")
@click.argument("environments", nargs=-1, metavar="[ENV]...")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for everything to be good once.",
)
@click.option("--explain", is_flag=True, help="Each check, the matrix, and what would change the decision.")
@click.pass_obj
def command(session: Session, environments: tuple[str, ...], *, timeout: float, explain: bool) -> int:
    """Look at every container and run every check, as the gate would. Exit 0 when all is good, else 1."""
    wiring = session.wiring(*environments)
    codes: list[int] = []
    for environment in wiring.environments():
        judgement = _verified(session, wiring.reconciler(environment), timeout)
        good = judgement.verdict is Verdict.PASS
        codes.append(exit_codes.OK if good else exit_codes.FAILED)
        click.echo(_text(environment, judgement))
        if explain:
            from reconciler.interface.render.explain_text import account_text, of_judgement

            click.echo(f"\n{account_text(of_judgement(judgement), environment.gate.matrix, session.style)}")
    return exit_codes.worst(codes)


def _verified(session: Session, reconciler: Reconciler, timeout_seconds: float) -> Judgement:
    """The judgement; what is seen meanwhile goes to stderr. A signal may end it: nothing is changed."""
    from reconciler.interface.render.live import ticking

    look, environment = reconciler.look(), reconciler.environment
    gate = replace(environment.gate, timeout_seconds=timeout_seconds, soak_seconds=0.0)
    session.rows.expect(environment.name, gate)
    with ticking(session.rows), reconciler.host.step(Verb.VERIFY, environment.name):
        return verify(reconciler.host, look.desired, look.observed, timeout_seconds=timeout_seconds)


def _text(environment: Environment, judgement: Judgement) -> str:
    """The verdict in one sentence, what stands against a pass, and what was not asked."""
    from reconciler.interface.render.phrases import count, listed

    name, checks = foreign(environment.name), environment.gate.checks
    if judgement.verdict is Verdict.PASS:
        compared = [foreign(check.name, 60) for check in checks if isinstance(check.question, Compared)]
        asked = count(len(checks) - len(compared), "check")
        said = f"{name}: every container and {asked} good"
        return f"{said}; not asked without a release: {listed(compared)}" if compared else said
    lines = [f"{name}: {judgement.verdict}: {foreign(judgement.reason)}"]
    return "\n".join(
        [*lines, *(f"  {foreign(s.subject)}: {foreign(s.detail)}" for s in judgement.deciding[1:])]
    )
