"""The Git repository that holds the state folder, over the git executable.

``process`` is the only module that starts git, and ``names`` refuses what could be mistaken for an option.
``discovery``, ``head``, ``history``, ``objects`` and ``worktree`` read; ``proposal`` writes a commit by
plumbing; ``remote`` fetches and pushes; ``repository`` puts them together as the port.
"""

from __future__ import annotations

from reconciler.adapters.git.repository import GitRepository, Patience

__all__ = ["GitRepository", "Patience"]
