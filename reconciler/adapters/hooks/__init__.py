"""Hooks as processes: of the host itself, or of Docker Compose, which runs them in one-off containers."""

from __future__ import annotations

from reconciler.adapters.hooks.commands import CommandHooks

__all__ = ["CommandHooks"]
