"""Read-only queries for the admin, the board, the API and the commands."""
