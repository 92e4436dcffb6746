"""The worlds of the end-to-end suite: a repository, a project on the real engine, and the program."""

from __future__ import annotations

from tests.e2e.conftest import common_world, images, untouched, world

__all__ = ["common_world", "images", "untouched", "world"]
