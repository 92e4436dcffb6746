"""Use cases: domain and ports only."""
