"""Writes messages in the caller's transaction: what is checked, what is decided, and the publication to many."""
