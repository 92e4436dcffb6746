"""``reconcile incident [RUN]``: the report of a rejected release."""

from __future__ import annotations

import click

from reconciler.domain.incident import REJECTED, incident, latest
from reconciler.domain.journal import Story
from reconciler.errors import Refused
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.commands.history import found
from reconciler.interface.cli.session import Session
from reconciler.interface.wiring import Wiring


@click.command("incident")
@click.argument("run", required=False, default="", metavar="[RUN]")
@click.pass_obj
def command(session: Session, run: str) -> int:
    """The report of a rejected release, in Markdown: what went wrong, when, impact, who, timeline, evidence.

    Without RUN it is the newest one that this host remembers; the beginning of an id is enough. What only
    people know, such as the root cause, is left open by name.
    """
    form = session.form("json", "markdown")
    wiring = session.wiring()
    story = found(wiring, run) if run else _latest(wiring)
    if story.run.result not in REJECTED:
        raise Refused(
            f"run {story.run.id} rejected no release",
            hint=f"What it did: reconcile history show {story.run.id}",
        )
    report = incident(story)
    if form == "json":
        from reconciler.interface.render.json_document import incident_document

        click.echo(incident_document(report))
    else:
        from reconciler.interface.render.incident_text import incident_markdown

        click.echo(incident_markdown(report), nl=False)
    return exit_codes.OK


def _latest(wiring: Wiring) -> Story:
    """The newest rejected release of these environments.

    Raises:
        Refused: this host remembers none.
    """
    environments = {environment.name: environment for environment in wiring.environments()}
    runs = [run for each in environments.values() for run in wiring.journal(each).runs(each)]
    newest = latest(runs)
    if newest is not None:
        environment = environments[newest.environment]
        story = wiring.journal(environment).story(environment, newest.id)
        if story is not None:
            return story
    raise Refused("this host remembers no rejected release", hint="What it remembers: reconcile history")
