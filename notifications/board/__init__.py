"""The live board: the whole outbox at one look, and what to press. Every refresh is a handful of bounded reads."""
