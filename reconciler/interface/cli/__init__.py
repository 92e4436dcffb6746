"""Commands, and the only exit codes."""
