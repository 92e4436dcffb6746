"""The Git repository that holds the state folder, over the git executable.

``process`` is the only module that starts git, and ``names`` refuses what could be mistaken for an option.
``discovery``, ``head``, ``history``, ``objects`` and ``worktree`` read; ``proposal`` writes a commit by
plumbing, ``authorship`` says who it is by; ``remote`` fetches and pushes, ``publication`` does so until it is
done or ``patience`` ends; ``repository`` puts them together as the port. ``managed`` is a clone that the
daemon keeps, and imported by the daemon alone.
"""

from __future__ import annotations

from reconciler.adapters.git.patience import Patience
from reconciler.adapters.git.repository import GitRepository

__all__ = ["GitRepository", "Patience"]
