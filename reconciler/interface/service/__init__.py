"""What makes the daemon a good service: words to the service manager, a heartbeat, and log lines."""
