"""What tests stand on: a real registry, a registry that fails on command, and engines of their own."""
