"""Marks the dead letters as looked at, on record: the board's headline then names only those that fail later."""

from django.db import DEFAULT_DB_ALIAS

from notifications.models.audit import Verb
from notifications.operations.record_action import record

DEAD_LETTERS = "dead letters"


def look_at_dead_letters(*, actor: str, reason: str, using: str = DEFAULT_DB_ALIAS) -> None:
    """Record that `actor` has looked at all that have failed until now, and `reason`: what comes of them."""
    record(Verb.LOOK_AT, actor=actor, reason=reason, subject=DEAD_LETTERS, using=using)
