"""A whole project in forty lines, to begin with: `python -m notifications.example` writes it into an empty folder."""
