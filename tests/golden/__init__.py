"""What versions of the program left behind. Nothing of it is ever changed: later versions must read it."""
