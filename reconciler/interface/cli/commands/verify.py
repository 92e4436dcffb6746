"""``reconcile verify [ENV]``: run the environment's checks now, without deploying."""

from __future__ import annotations

from dataclasses import replace

import click

from reconciler.app.converge import Reconciler
from reconciler.app.verify import verify
from reconciler.domain.gate import Judgement
from reconciler.domain.severity import Verdict
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session
from reconciler.interface.render.foreign import foreign


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
        click.echo(_text(environment.name, len(environment.gate.checks), judgement))
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
    with ticking(session.rows), reconciler.host.step("verify", environment.name):
        return verify(reconciler.host, look.desired, look.observed, timeout_seconds=timeout_seconds)


def _text(name: str, checks: int, judgement: Judgement) -> str:
    """The verdict in one sentence, and what stands against a pass."""
    if judgement.verdict is Verdict.PASS:
        number = f"{checks} check" if checks == 1 else f"{checks} checks"
        return f"{foreign(name)}: every container and {number} good"
    lines = [f"{foreign(name)}: {judgement.verdict}: {foreign(judgement.reason)}"]
    return "\n".join(
        [*lines, *(f"  {foreign(s.subject)}: {foreign(s.detail)}" for s in judgement.deciding[1:])]
    )
