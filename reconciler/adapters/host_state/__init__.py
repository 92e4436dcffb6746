"""What one host keeps in its state directory: locks, and the memory of earlier passes."""

from __future__ import annotations

from reconciler.adapters.host_state.lock import LockFile
from reconciler.adapters.host_state.memory import MemoryFile
from reconciler.adapters.host_state.place import Place

__all__ = ["LockFile", "MemoryFile", "Place"]
