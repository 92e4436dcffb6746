"""``reconcile``: the entry point, the global options, and the outermost frame.

Commands are imported when they are called, so that help and completion stay fast.
"""

from __future__ import annotations

import atexit
import importlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from reconciler import __version__
from reconciler.errors import ReconcileError
from reconciler.interface.cli import exit_codes
from reconciler.interface.cli.session import Interruption, Session
from reconciler.interface.settings import Settings, allowances, find_folder, state_directory

COMMANDS = {
    "plan": "What would change, and why. Touches nothing.",
    "status": "Sync, health and revision of each environment.",
    "check": "Validate every file, offline.",
    "verify": "Run an environment's checks now, without deploying.",
    "explain": "Which rule decided about the last release, and what would change it.",
    "rollback": "Pin what ran before, commit, and converge.",
    "backup": "Back up the databases of an environment, or list their backups.",
    "restore": "Bring the databases of an environment back to a backup.",
    "reindex": "Fill the indexes of the search server again.",
    "watch": "The same pass on every trigger: the daemon.",
    "pause": "Stop releases until somebody resumes them; rollbacks and repairs go on.",
    "resume": "End a pause.",
    "approve": "Approve the release of a protected environment, in a commit.",
    "unblock": "Let pins that failed here be tried again.",
    "history": "Who released what, when, and why; history show RUN: one pass.",
    "incident": "The report of a rejected release.",
    "notify": "What people are still to be told; notify test CHANNEL: try a channel.",
    "pin": "Resolve an image's digest, change one line, commit.",
    "promote": "Pin in one environment what has proven itself in another, in a commit.",
    "doctor": "Look at engine, Compose, Git, registry, disk and clock.",
    "init": "Write the state folder from Compose files and what runs now.",
}


# \b keeps click from joining the lines; it has to be the character itself.
HELP = """Keep Docker hosts at the image digests that Git pins, and undo a release that does not come up.

\b
reconcile --once         one pass: converge, judge, undo if it must be, report
reconcile plan           what a pass would do
git revert <pin commit>  roll back; the next pass makes it so
"""


class Commands(click.Group):
    """The commands, imported one at a time. Click offers lazy loading by subclassing only."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """The names, in the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """One command, or None."""
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"reconciler.interface.cli.commands.{name}")
        command: click.Command = module.command
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in ``--help``, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=HELP,
)
@click.option("--once", is_flag=True, help="One pass over the environments, then exit. Never prompts.")
@click.option("-C", "folder", metavar="DIR", help="The folder that holds reconcile.yaml.")
@click.option("-e", "--env", "environments", multiple=True, metavar="ENV", help="Only this environment.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "markdown", "github"]),
    help="What goes to stdout; text, or in a workflow of GitHub: github.",
)
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@click.option("-v", "--verbose", is_flag=True, help="More on stderr.")
@click.option("--allow-dirty", is_flag=True, help="Read uncommitted files, to try things out.")
@click.option(
    "--allow-mass-change",
    "--allow-removal",
    "allow_mass_change",
    is_flag=True,
    help="Let this run remove most services, and put right more than max_change of them.",
)
@click.option("--yes", is_flag=True, help="With --once: approve releases of protected environments.")
@click.option(
    "--lock-wait", type=click.FloatRange(min=0), default=0.0, metavar="SECONDS", help="Wait for another run."
)
@click.option("--no-parachute", is_flag=True, help="Release even where there would be no way back.")
@click.option("--observe", is_flag=True, help="Stay after a release, and take it back when it fails late.")
@click.option("--strict", is_flag=True, help="Exit 12 when something stays out of sync on purpose.")
@click.version_option(__version__, "-V", "--version", prog_name="reconcile", message="%(prog)s %(version)s")
@click.pass_context
def reconcile(
    context: click.Context,
    *,
    once: bool,
    folder: str | None,
    environments: tuple[str, ...],
    output: str | None,
    color: str,
    quiet: bool,
    verbose: bool,
    allow_dirty: bool,
    allow_mass_change: bool,
    yes: bool,
    lock_wait: float,
    no_parachute: bool,
    observe: bool,
    strict: bool,
) -> None:
    """Keep Docker hosts at the image digests that Git pins, and undo a release that does not come up."""

    def settings(elsewhere: Path | None) -> Settings:
        return Settings(
            folder=elsewhere or find_folder(folder, Path.cwd()),
            environ=dict(os.environ),
            environments=environments,
            output=output or "text",
            color=_color(color),
            quiet=quiet,
            verbose=verbose,
            allow_dirty=allow_dirty,
            allow_mass_change=allow_mass_change,
            approved=yes,
            allowed=allowances(os.environ),
            state_directory=state_directory(os.environ, root=os.geteuid() == 0),
            lock_wait_seconds=lock_wait,
            parachute=not no_parachute,
            observe=observe,
        )

    context.obj = Session(
        read_settings=settings,
        output=output or "",
        color=_color(color),
        named=folder,
        chosen=environments,
        strict=strict,
        quiet=quiet,
        verbose=verbose,
        interruption=context.obj or Interruption(),
    )
    if once and context.invoked_subcommand:
        raise click.UsageError("--once is a command of its own: leave one of the two out")
    if yes and not once:
        raise click.UsageError(
            "--yes approves the releases of one run: it goes with --once, or after rollback"
        )
    if called := "--once" if once else context.invoked_subcommand:
        _require_own(called)
    if once:
        from reconciler.interface.cli.commands.once import run

        context.exit(run(context.obj))
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _require_own(called: str) -> None:
    """Nothing acts on what a fork proposes."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    from reconciler.interface.cli.fork import require_own

    require_own(os.environ, called)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the documented code."""
    _leave(run_command(arguments))


def run_command(arguments: list[str] | None = None) -> int:
    """The outermost frame: errors become messages and exit codes, a bug becomes a file and exit 70."""
    interruption = Interruption()
    restore = _catch_signals(interruption)
    try:
        code = reconcile.main(arguments, prog_name="reconcile", standalone_mode=False, obj=interruption)
        code = code if isinstance(code, int) else exit_codes.OK
    except click.UsageError as error:
        error.show()
        code = exit_codes.USAGE
    except (click.Abort, KeyboardInterrupt):
        code = exit_codes.INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = exit_codes.USAGE
    except ReconcileError as error:
        from reconciler.interface.render.errors_text import error_text
        from reconciler.interface.render.style import Style

        click.echo(error_text(error, Style(color=sys.stderr.isatty())), err=True)
        code = exit_codes.of_error(error)
    except Exception:  # noqa: BLE001  # the outermost frame: a bug is written down and named
        code = _bug()
    finally:
        restore()
    return interruption.code or code


def _leave(code: int) -> NoReturn:
    """End the process at once: taking the interpreter down module by module would be a tenth of a pass."""
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        pass  # nobody reads
    os._exit(code)


def _catch_signals(interruption: Interruption) -> Callable[[], None]:
    """Let a pass finish or undo the step in hand; returns how to put the handlers back."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, interruption.caught) for number in numbers]

    def restore() -> None:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)

    return restore


def _bug() -> int:
    """Keep the traceback in a file: a terminal is no place for it, and it may hold names of secrets."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="reconcile-bug-", suffix=".txt", delete=False) as file:
        traceback.print_exc(file=file)
    click.echo(f"error: this is a bug in reconcile {__version__}; the traceback is in {file.name}", err=True)
    return exit_codes.BUG


def _color(choice: str) -> bool:
    """Whether to use colours: asked for, or a terminal that is not dumb, without NO_COLOR."""
    if choice != "auto":
        return choice == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
