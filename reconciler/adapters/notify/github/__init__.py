"""GitHub: deployments, commit statuses, an issue for each incident, and events that start workflows."""

from reconciler.adapters.notify.github.notifier import GitHubNotifier

__all__ = ["GitHubNotifier"]
