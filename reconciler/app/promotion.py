"""Promote: move pins from one environment to another as one commit, with the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from reconciler.app.looking import blocks_in_git
from reconciler.app.release import Move, Moved, Pins
from reconciler.domain.blocking import Block, Good, same_pin
from reconciler.domain.environment import Environment
from reconciler.domain.foreign import foreign, text_of
from reconciler.domain.image import ImageRef
from reconciler.domain.observed import Health, Instance, Role
from reconciler.domain.promotion import Evidence, reference, reservation
from reconciler.errors import AlreadyThere, Refused
from reconciler.ports import Clock, Engine, Journal, Proposal, Proposals

PROMOTED_FROM = "Reconcile-Promoted-From"


@dataclass(frozen=True, slots=True)
class Place:
    """One environment, and what is known of it here."""

    environment: Environment
    journal: Journal


@dataclass(frozen=True, slots=True)
class Proposed:
    """What is to move, on which branch, and where people are asked to merge it."""

    moves: tuple[Move, ...]
    branch: str
    address: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """Pins of ``origin`` on their way to ``goal``.

    Args:
        origin: where they were judged.
        goal: where they go.
        engine: the one of ``origin``.
        pins: writes the commit.
        clock: time.
    """

    origin: Place
    goal: Place
    engine: Engine
    pins: Pins
    clock: Clock

    def moves(self, services: Sequence[str] = ()) -> tuple[Move, ...]:
        """What would move: every service that both pin, and differently; those named where some are.

        Raises:
            Refused: a service that is named has no pin in ``origin``.
        """
        there, here = (self.pins.images(place.environment) for place in (self.origin, self.goal))
        if unknown := [name for name in services if name not in there]:
            raise Refused(f"{', '.join(unknown)} has no pin in {self.origin.environment.name}")
        chosen = services or [name for name in there if name in here]
        moves = (Move(name, here.get(name, ""), there[name]) for name in sorted(set(chosen)))
        return tuple(move for move in moves if not move.before or not same_pin(move.before, move.after))

    def evidence(self, moves: Sequence[Move]) -> tuple[Evidence, ...]:
        """What is known of each of them.

        Raises:
            EngineUnreachable, PermissionRefused: the engine of ``origin`` cannot be asked.
        """
        blocks = {place.environment.name: self._blocks(place) for place in (self.origin, self.goal)}
        goods = self.origin.journal.good(self.origin.environment)
        observed = self.engine.observe(self.origin.environment.project)
        found = []
        for move in moves:
            own = observed.of(move.service)
            serving = [one for one in own if one.role is Role.SERVING]
            found.append(
                Evidence(
                    move.service,
                    running_since=self._running_since(serving, ImageRef.parse(move.after)),
                    beside=any(one.role in (Role.PREDECESSOR, Role.SUCCESSOR) for one in own),
                    good=_good(move, goods),
                    blocked=_blocked(move, blocks),
                )
            )
        return tuple(found)

    def promote(
        self, services: Sequence[str], soak_seconds: float, *, reason: str = "", push: str = ""
    ) -> Moved | None:
        """Commit what may go on; None where nothing differs.

        A release is promoted as a whole: where one of its pins may not go on, none does, unless the others
        are named.

        Args:
            services: which; all that differ where empty.
            soak_seconds: for how long they must have been good in ``origin``.
            reason: why, for the commit message.
            push: the branch to push to, or empty.

        Raises:
            Refused: one of them may not go on, with why.
            Stale, RepositoryUnreachable, PermissionRefused, RepositoryFailed: the commit cannot be made.
        """
        found = self._allowed(services, soak_seconds)
        return self._pin(found, reason, push) if found else None

    def propose(
        self,
        services: Sequence[str],
        soak_seconds: float,
        proposals: Proposals,
        *,
        onto: str,
        reason: str = "",
    ) -> Proposed | None:
        """The same commit on a branch of its own, and a request to merge it; None where nothing differs.

        The same pins have the same branch, so asking again updates the request.

        Args:
            services: which; all that differ where empty.
            soak_seconds: for how long they must have been good in ``origin``.
            proposals: where the merge is asked for.
            onto: the branch to merge into.
            reason: why.

        Raises:
            Refused, Stale, RepositoryUnreachable, PermissionRefused, RepositoryFailed: as ``promote``.
            NoticeRefused, NoticeUnreachable: the branch is there, and nobody was asked to merge it.
        """
        found = self._allowed(services, soak_seconds)
        if not found:
            return None
        goal, moves = self.goal.environment.name, tuple(found)
        digest = sha256("\n".join(map(str, moves)).encode()).hexdigest()[:8]
        branch = f"reconcile/promote-{goal}-{digest}"
        with suppress(AlreadyThere):  # an earlier run got as far as that
            self._pin(found, reason, branch, onto)
        title = f"{goal}: {', '.join(map(str, moves))}"
        lines = [f"- {text_of(str(move))}: {text_of(why)}" for move, why in found.items()]
        body = "\n".join([*([text_of(reason), ""] if reason else []), *lines])
        return Proposed(moves, branch, proposals.propose(Proposal(branch, onto, foreign(title), body)))

    def _allowed(self, services: Sequence[str], soak_seconds: float) -> dict[Move, str]:
        """What moves, and the evidence for it in words; empty where nothing does."""
        moves = self.moves(services)
        if not moves:
            return {}
        evidence, now = self.evidence(moves), self.clock.now()
        kept = {one.service: why for one in evidence if (why := reservation(one, soak_seconds, now))}
        if kept:
            raise self._refused(kept, [move.service for move in moves if move.service not in kept])
        known = {one.service: reference(one, self.origin.environment.name) for one in evidence}
        return {move: known[move.service] for move in moves}

    def _pin(self, found: Mapping[Move, str], reason: str, push: str, base: str = "") -> Moved:
        """The commit."""
        head = self.pins.repository.head()
        return self.pins.pin(
            self.goal.environment,
            {move.service: ImageRef.parse(move.after) for move in found},
            reason=reason,
            push=push,
            base=base,
            details=tuple(f"{move}: {why}" for move, why in found.items()),
            trailers={PROMOTED_FROM: f"{self.origin.environment.name} {head.commit}"},
        )

    def _refused(self, kept: Mapping[str, str], others: Sequence[str]) -> Refused:
        each = "; ".join(f"{name}: {why}" for name, why in kept.items())
        goal, origin = self.goal.environment.name, self.origin.environment.name
        hint = f"Only the others: reconcile promote {origin} {goal} {' '.join(others)}" if others else ""
        return Refused(f"{origin} cannot be promoted to {goal}: {each}", hint=hint)

    def _blocks(self, place: Place) -> tuple[Block, ...]:
        told = blocks_in_git(place.environment, self.pins.desired, place.journal)
        return (*place.journal.blocks(place.environment), *told)

    def _running_since(self, serving: Sequence[Instance], image: ImageRef) -> datetime | None:
        """When the youngest of these started, where all of them run ``image`` and are well."""
        image_id, starts = self.engine.image_id(image), []
        for instance in serving:
            vitals = self.engine.inspect(instance.id)
            well = vitals is not None and vitals.health in (Health.NONE, Health.HEALTHY)
            if vitals is None or not well or not instance.running or instance.image_id != image_id:
                return None
            if vitals.restart_count:  # it crashed, however well it is just now
                return None
            starts.append(datetime.fromisoformat(vitals.started_at).astimezone(UTC))
        return max(starts, default=None)


def _good(move: Move, goods: Sequence[Good]) -> Good | None:
    """The first gate that passed this very pin without another one in between."""
    mine = [good for good in goods if good.service == move.service]
    latest = mine[0] if mine else None
    return latest if latest is not None and same_pin(latest.image, move.after) else None


def _blocked(move: Move, blocks: Mapping[str, Sequence[Block]]) -> tuple[tuple[str, Block], ...]:
    return tuple(
        (name, block)
        for name, found in blocks.items()
        for block in found
        if block.service == move.service and same_pin(block.image, move.after)
    )
