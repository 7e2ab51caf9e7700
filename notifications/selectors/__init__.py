"""Reads: what the admin, the board, the API and the commands show."""
