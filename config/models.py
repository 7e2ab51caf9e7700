"""The project's own table: how many requests somebody has made, for `config.rates`."""

from django.db import models


class RequestRate(models.Model):
    """One moment to a key. The table is unlogged: cheap to write, and empty after a crash of the database."""

    key = models.CharField(max_length=100, primary_key=True)
    whole_at = models.DateTimeField(help_text="when its allowance is whole again; once past, the row says nothing")

    def __str__(self) -> str:
        return self.key
