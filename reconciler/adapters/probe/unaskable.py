"""Questions that cannot be asked."""

from __future__ import annotations


class Unaskable(Exception):
    """The question cannot be asked, for a reason that is ours; its text is the detail."""
