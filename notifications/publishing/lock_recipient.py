"""Locks a recipient's lanes for a publisher, until its transaction ends."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connections

from notifications.errors import InvalidRecipient, UnsafeIsolation
from notifications.models import Recipient
from notifications.protocol import sql_messages as sql
from notifications.recipients.contact import key_of, recipient_of

RECIPIENT = ("id", "user_id", "phone", "email", "locale", "time_zone", "opt_outs")  # LOCK_RECIPIENT's columns


def lock_recipient(recipient: Recipient | AbstractBaseUser, *, using: str) -> tuple[Recipient, datetime]:
    """Lock the recipient's lanes until the transaction ends, in a statement of its own; returns the locked row, and the
    database's time. Raises InvalidRecipient and UnsafeIsolation.
    """
    row = _lock_row(recipient, using=using) or _lock_row(recipient_of(recipient, using=using), using=using)
    if row is None:
        raise InvalidRecipient(recipient)
    *values, has_push, now, isolation = row
    if isolation != "read committed":
        raise UnsafeIsolation(isolation)
    locked = Recipient.from_db(using, RECIPIENT, values)
    locked.has_push = has_push
    return locked, now


def _lock_row(recipient: Recipient | AbstractBaseUser, *, using: str) -> tuple[Any, ...] | None:
    """LOCK_RECIPIENT's row. Not by the ORM, which needs longer to build the statement than the database to run it."""
    ((key, value),) = key_of(recipient).items()
    with connections[using].cursor() as cursor:
        cursor.execute(sql.LOCK_RECIPIENT if key == "pk" else sql.LOCK_RECIPIENT_OF_USER, {"key": value})
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row
