"""What the use cases need from the outside, as protocols. Adapters obey them; so does the one fake.

Every method may raise the errors of ``reconciler.errors`` that its docstring names; none raises an
error of a library.
"""

from __future__ import annotations

from reconciler.ports.brakes import Calendar, Pauses
from reconciler.ports.compose import Compose, Model
from reconciler.ports.data import Documents, Exports, SearchServer
from reconciler.ports.engine import Engine
from reconciler.ports.hooks import Hooks, Invocation, Ran
from reconciler.ports.journal import Journal
from reconciler.ports.notices import Notifier, Outbox
from reconciler.ports.outside import Probe, Registry
from reconciler.ports.proposals import Proposal, Proposals
from reconciler.ports.repository import Commit, Edit, Repository
from reconciler.ports.state_files import StateFiles
from reconciler.ports.triggers import Events, Places, Trigger
from reconciler.ports.turns import Clock, Lease, Leases, Lock
from reconciler.ports.upstream import Upstream

__all__ = [
    "Calendar",
    "Clock",
    "Commit",
    "Compose",
    "Documents",
    "Edit",
    "Engine",
    "Events",
    "Exports",
    "Hooks",
    "Invocation",
    "Journal",
    "Lease",
    "Leases",
    "Lock",
    "Model",
    "Notifier",
    "Outbox",
    "Pauses",
    "Places",
    "Probe",
    "Proposal",
    "Proposals",
    "Ran",
    "Registry",
    "Repository",
    "SearchServer",
    "StateFiles",
    "Trigger",
    "Upstream",
]
