"""The table of the releases that web processes run. The alerts compare relays with them."""

from django.db import models
from django.db.models.functions import Now


class WebRelease(models.Model):
    """A release that a web process has run, since when, and when one was last heard of (UTC)."""

    release = models.CharField(max_length=64, primary_key=True)
    first_seen_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.release
