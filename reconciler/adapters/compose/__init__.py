"""Docker Compose through its executable: the only correct reader of Compose files.

``executable`` finds and runs it, ``model`` turns what it prints into services, ``cli`` is the
adapter: resolve the model, create containers.
"""

from reconciler.adapters.compose.cli import ComposeCli

__all__ = ["ComposeCli"]
