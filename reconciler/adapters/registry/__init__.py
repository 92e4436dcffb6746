"""Image registries, asked directly: which digest a tag has, and why an image cannot be pulled."""

from __future__ import annotations

from reconciler.adapters.registry.http import HttpRegistry

__all__ = ["HttpRegistry"]
