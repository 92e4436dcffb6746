"""The use cases, on a fake world."""
