"""The data contract of a release: what it does to the data that the release before it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.domain.blocking import Kept, same_pin
from reconciler.domain.data import CONTRACT_LABEL, Contract, Data, worst
from reconciler.domain.plan import Change, Create, Entry, Plan, Replace
from reconciler.domain.report import Staying


@dataclass(frozen=True, slots=True)
class Contracts:
    """The contracts of the services whose images a release changes, and what is odd about them."""

    of: Mapping[str, Contract]
    notes: tuple[str, ...] = ()

    def worst(self, services: Iterable[str]) -> Contract:
        """That of several services together; those that change no image do nothing to data."""
        return worst(self.of[name] for name in services if name in self.of)


def contracts(data: Data, labels: Mapping[str, str]) -> Contracts:
    """What is known of services: reconcile.yaml decides, else the label of the image, else compatible.

    A word that is none of ours was meant to say something: it counts as the worst.

    Args:
        data: what reconcile.yaml says.
        labels: service → the label of the image that it gets, empty where that has none.
    """
    told = {one.service: one.contract for one in data.uses if one.contract is not None}
    found, notes = dict[str, Contract](), list[str]()
    for service, label in sorted(labels.items()):
        word = label.strip()
        if service in told:
            found[service] = told[service]
        elif word in [str(contract) for contract in Contract]:
            found[service] = Contract(word)
        elif word:
            found[service] = Contract.IRREVERSIBLE
            notes.append(
                f"the image of {service} says {CONTRACT_LABEL}={word[:40]!r}, which is none of "
                f"{', '.join(Contract)}: its release counts as {Contract.IRREVERSIBLE}"
            )
        else:
            found[service] = Contract.COMPATIBLE
    return Contracts(found, tuple(notes))


def released(plan: Plan, instead: Iterable[str] = ()) -> tuple[str, ...]:
    """The services that a release of Git brings; what is repaired or brought back is none.

    Args:
        plan: what is to be done.
        instead: services that are wanted as they were, because their pins are blocked.
    """
    return tuple(e.name for e in plan.entries if e.name not in instead and _brings(e))


def moved(plan: Plan, instead: Iterable[str] = ()) -> tuple[str, ...]:
    """Those of them that get another image."""
    names = released(plan, instead)
    return tuple(e.name for e in plan.entries if e.name in names and not same_pin(e.before, e.after))


def _brings(entry: Entry) -> bool:
    acts = any(isinstance(action, (Replace, Create)) for action in entry.actions)
    return acts and entry.change in (Change.CHANGE, Change.NEW)


def why_it_stays(staying: Staying) -> str:
    """In one clause: what stays, and why."""
    names = ", ".join(staying.services)
    stays = "stays" if len(staying.services) == 1 else "stay"
    return f"{names} {stays} although rejected, because the release is {staying.kept.contract}"


def explained(environment: str, staying: Staying) -> str:
    """What stays, why, and what a person can do about it."""
    return f"{why_it_stays(staying)}: {_what_to_do(environment, staying.kept)}"


def _what_to_do(environment: str, kept: Kept) -> str:
    if kept.contract is not Contract.NEEDS_RESTORE:
        return "release a fixed image, for there is no way back that a program could take"
    backup = kept.backup or "NAME"
    where = "" if kept.backup else f" (reconcile backup {environment} --list names them)"
    command = f"reconcile restore {environment} couchdb --backup {backup}"
    return f"{command}{where} brings back the data of before, and what ran then; or release a fixed image"
