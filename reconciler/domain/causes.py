"""Why something is done, in the words of plan, log, report and test."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.domain.blocking import Block, Good
from reconciler.domain.desired import Service
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Instance, Role, State


def replaced(
    service: Service, outdated: Sequence[Instance], current: Sequence[Instance], *, drift: bool
) -> str:
    """Why the ``outdated`` containers of a service have to go."""
    if current and not any(i.running for i in outdated) and all(i.running for i in current):
        if all(i.role is Role.PREDECESSOR for i in outdated):
            return "switched by an interrupted pass and never judged"
        return "left over next to what Git wants"
    if any(i.state is State.DEAD for i in outdated):
        return "the engine calls it dead"
    first = outdated[0]
    if first.made_from and first.made_from != first.image_id:
        return "made by hand from another image than its labels say"
    if first.config_hash == service.config_hash:
        retired = all(i.role is Role.PREDECESSOR for i in outdated)
        return "an interrupted pass was replacing it" if retired else "what it joined is not there any more"
    if first.image == service.image:
        return "its definition was changed on the host" if drift else "its definition changed"
    before, after = names(first.image, service.image)
    return f"runs {before}, Git says {after}" if drift else f"{before} → {after}"


def not_running(service: Service, instance: Instance) -> str:
    """Why a container whose definition is right has to be started, or nothing."""
    match instance.state:
        case State.CREATED:
            return "created but never started"
        case State.PAUSED:
            return "paused"
        case State.EXITED if service.one_shot and instance.exit_code == 0:
            return ""
        case State.EXITED:
            return f"exited with {instance.exit_code}"
        case _:
            return ""


def why_blocked(block: Block, good: Good | None) -> str:
    """Why a blocked service is not released."""
    rejected, instead = names(block.image, good.image) if good else (_short(block.image), "")
    run = f" in run {block.run}" if block.run else ""
    stays = f"; stays on {instead}" if instead and good and good.image != block.image else ""
    if block.kept is not None and block.kept.restoring:
        return f"{rejected} was rejected here{run} ({block.reason}); its data is being brought back first"
    if block.kept is not None:
        return f"{rejected} was rejected here{run} ({block.reason}), and stays: it is {block.kept.contract}"
    if block.waits_for:
        return f"{rejected} waits until {', '.join(block.waits_for)} is good{stays}"
    return f"{rejected} was rejected here{run} ({block.reason}){stays}"


def _short(image: str) -> str:
    """Its tag, or the first digits of its digest; as it is where it cannot be read."""
    try:
        return ImageRef.parse(image).short()
    except ValueError:
        return image


def names(before: str, after: str) -> tuple[str, str]:
    """Two images as short as they can be and still be told apart: tags, else whole references."""
    try:
        one, two = ImageRef.parse(before), ImageRef.parse(after)
    except ValueError:
        return before, after
    if one.repository != two.repository:
        return str(one), str(two)
    if one.short() != two.short():
        return one.short(), two.short()
    if not one.digest or not two.digest:
        return str(one), str(two)
    return f"{one.short()} ({one.digest[7:19]})", f"{two.short()} ({two.digest[7:19]})"
