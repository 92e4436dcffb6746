"""How people and scripts reach the program."""
