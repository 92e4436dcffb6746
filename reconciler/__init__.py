"""Git says what should run. Docker says what runs. Each pass compares the two and acts on the difference."""

__version__ = "0.1.0"
