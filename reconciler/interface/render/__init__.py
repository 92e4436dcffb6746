"""Plan, report, status and history as text and JSON."""
