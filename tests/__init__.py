"""Tests mirror the tree of the package; `tests.bed` and `tests.images` are what they stand on."""
