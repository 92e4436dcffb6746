"""The containers that write to a store: stopped while its data go back, and started again."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reconciler.app.host import Host
from reconciler.app.switch import USUAL_GRACE_SECONDS
from reconciler.domain.environment import Environment
from reconciler.domain.observed import Role, State
from reconciler.domain.report import Verb
from reconciler.domain.restoring import Writer

_RUNS = (State.RUNNING, State.RESTARTING, State.PAUSED)


def writers_of(
    host: Host, environment: Environment, services: Collection[str], earlier: Sequence[Writer] = ()
) -> tuple[Writer, ...]:
    """The containers of services, with what they must get back.

    Args:
        host: the environment's outside.
        environment: whose.
        services: those that write.
        earlier: what an attempt that was interrupted had found: it may have stopped some of them.

    Raises:
        EngineUnreachable, EngineFailed, PermissionRefused.
    """
    known = {writer.container: writer for writer in earlier}
    found: list[Writer] = []
    for instance in host.engine.observe(environment.project).instances:
        if instance.service not in services or instance.role is Role.TEMPLATE:
            continue
        if instance.id in known:
            found.append(known[instance.id])
            continue
        policy = host.engine.restart_policy(instance.id)
        ran = instance.state in _RUNS
        if ran or policy != "no":
            found.append(Writer(instance.id, instance.name, policy, ran, instance.service))
    return tuple(found)


def stop_writers(host: Host, writers: Sequence[Writer]) -> None:
    """Stop them, the restart policy first: the engine would start them again after its own restart.

    Raises:
        EngineUnreachable, EngineFailed.
    """
    for writer in writers:
        with host.step(Verb.STOP, writer.name):
            host.engine.set_restart_policy(writer.container, "no")
            if writer.ran:
                host.engine.stop(writer.container, USUAL_GRACE_SECONDS)


def start_writers(host: Host, writers: Sequence[Writer], but: Collection[str] = ()) -> tuple[str, ...]:
    """Give each its restart policy back, and start those that ran; returns what is worth a note.

    Args:
        host: the environment's outside.
        writers: what was stopped.
        but: services that are left down.

    Raises:
        EngineUnreachable.
        EngineFailed: one cannot be started.
    """
    notes: list[str] = []
    for writer in reversed(writers):
        if host.engine.inspect(writer.container) is None:
            notes.append(f"{writer.name} was removed meanwhile; the next pass makes it again")
            continue
        with host.step(Verb.START, writer.name):
            host.engine.set_restart_policy(writer.container, writer.policy)
            if writer.ran and writer.service not in but:
                host.engine.start(writer.container)
    return tuple(notes)
