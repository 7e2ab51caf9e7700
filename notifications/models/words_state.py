"""The table of kinds' words, by channel: which release's words went out, and whether they can be made at all.

Written by relays with the statements of `protocol/sql_words.py`, and only when something changes.
"""

from django.db import models
from django.db.models import Q


class WordsState(models.Model):
    """The words of one kind on one channel. While `held_at` is set, its messages wait for words that can be made."""

    kind = models.CharField(max_length=64)
    channel = models.CharField(max_length=32)
    proven_release = models.CharField(max_length=64, blank=True, db_default="")
    held_at = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)
    held_release = models.CharField(max_length=64, blank=True, db_default="")
    problem = models.CharField(max_length=300, blank=True, db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "channel"], name="words_are_known_once"),
            models.CheckConstraint(
                condition=Q(held_at__isnull=True, held_until__isnull=True)
                | Q(held_at__isnull=False, held_until__isnull=False),
                name="words_are_held_until_a_moment",
            ),
        ]

    def __str__(self) -> str:
        return f"words of {self.kind} by {self.channel}"
