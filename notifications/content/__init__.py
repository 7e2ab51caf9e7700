"""How a message becomes text."""
