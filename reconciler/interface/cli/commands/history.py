"""``reconcile history [ENV]``: who released what, when, and why; ``history show RUN``: one pass."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import chain

import click

from reconciler.app.history import history
from reconciler.domain.environment import Environment
from reconciler.domain.foreign import foreign
from reconciler.domain.history import HistoryRow
from reconciler.domain.journal import Run, Story
from reconciler.errors import PermissionRefused, Refused
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Session
from reconciler.interface.cli.times import Duration
from reconciler.interface.wiring import Wiring

SHOW = "show"


@click.command("history")
@click.argument("environments", nargs=-1, metavar="[ENV]... | show RUN")
@click.option("--rollbacks", "only_rollbacks", is_flag=True, help="Only rollbacks: the runbook's table.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Rows per environment; 0 for all.",
)
@click.option("--stats", is_flag=True, help="Figures instead: how often, how good, how fast.")
@click.option(
    "--since",
    type=Duration(),
    default="90d",
    show_default=True,
    metavar="TIME",
    help="How far --stats looks back.",
)
@click.option(
    "-o", "--output", type=click.Choice(["text", "json", "markdown"]), help="Instead of the global one."
)
@click.pass_obj
def command(
    session: Session,
    environments: tuple[str, ...],
    *,
    only_rollbacks: bool,
    limit: int,
    stats: bool,
    since: float,
    output: str | None,
) -> int:
    """The releases of each environment, newest first, as Git tells them and this host remembers them.

    ``history show RUN`` is the whole story of one pass; the beginning of its id is enough. An environment
    that is called "show" is named with -e.
    """
    form = session.form("json", "markdown", own=output)
    if environments[:1] == (SHOW,):
        click.echo(_shown(session, environments[1:], form))
        return exit_codes.OK
    wiring = session.wiring(*environments)
    if stats:
        click.echo(_stats(wiring, since, form))
        return exit_codes.OK
    most = 0 if only_rollbacks else limit
    rows = {environment.name: _rows(wiring, environment, most) for environment in wiring.environments()}
    click.echo(_text(session, rows, form, limit, only_rollbacks=only_rollbacks))
    return exit_codes.OK


def _text(
    session: Session, rows: dict[str, tuple[HistoryRow, ...]], form: str, limit: int, *, only_rollbacks: bool
) -> str:
    from reconciler.interface.render.history_text import history_text, rollbacks, runbook_table
    from reconciler.interface.render.json_document import history_document

    if form == "markdown":  # the runbook's table looks beyond the rollbacks, for what came of them
        return runbook_table(list(chain.from_iterable(rows.values())))
    if only_rollbacks:
        rows = {name: tuple(rollbacks(each)[: limit or None]) for name, each in rows.items()}
    if form == "json":
        return history_document(rows.items())
    together = sorted(chain.from_iterable(rows.values()), key=lambda row: row.at, reverse=True)
    return history_text(together, session.style)


def _stats(wiring: Wiring, since_seconds: float, form: str) -> str:
    from reconciler.domain.delivery import delivery
    from reconciler.interface.render.delivery_text import delivery_table, delivery_text
    from reconciler.interface.render.json_document import stats_document

    now = wiring.clock.now()
    since = now - timedelta(seconds=since_seconds)
    rows = {environment.name: _rows(wiring, environment, 0) for environment in wiring.environments()}
    figures = {name: delivery(each, since, now) for name, each in rows.items()}
    if form == "json":
        return stats_document(figures)
    return delivery_table(figures) if form == "markdown" else delivery_text(figures)


def _rows(wiring: Wiring, environment: Environment, limit: int) -> tuple[HistoryRow, ...]:
    return history(environment, wiring.desired, limit=limit, runs=_runs(wiring, environment))


def _runs(wiring: Wiring, environment: Environment) -> Sequence[Run]:
    """What the journal knows; a clone that has none, or may not read it, still has Git's history."""
    try:
        return wiring.journal(environment).runs(environment)
    except (PermissionRefused, Refused) as error:
        click.echo(f"note: without what this host remembers: {foreign(error.problem)}", err=True)
        return ()


def _shown(session: Session, names: Sequence[str], form: str) -> str:
    """The whole story of one pass."""
    if len(names) != 1:
        raise click.UsageError("history show wants one RUN")
    story = found(session.wiring(), names[0])
    if form == "json":
        from reconciler.interface.render.json_document import story_document

        return story_document(story)
    if form == "markdown":
        from reconciler.interface.render.report_markdown import story_markdown

        return story_markdown(story)
    from reconciler.interface.render.story_text import story_text

    return story_text(story, session.style)


def found(wiring: Wiring, name: str) -> Story:
    """The story of the pass whose id is, or begins with, ``name``, in any of the environments.

    Raises:
        Refused: there is none, or there are several.
    """
    stories = [
        story
        for environment in wiring.environments()
        if (story := wiring.journal(environment).story(environment, name)) is not None
    ]
    if not stories:
        raise Refused(
            f"this host remembers no single pass whose id begins with {name!r}",
            hint="Passes and their ids: reconcile history -o json; name more of the id where it is too short",
        )
    if len(stories) > 1:
        names = ", ".join(f"{story.run.id} in {story.run.environment}" for story in stories)
        raise Refused(f"{name!r} is the beginning of several passes: {names}", hint="Name more of the id")
    return stories[0]
