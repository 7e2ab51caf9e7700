"""A message may take the place of one that still waits, under a key that the publisher gives.

Of what waits there is one for each recipient, channel and key: the database guards that. What a relay has begun to send
is left alone, and the newer one goes behind it.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from notifications.models import OutboxMessage
from notifications.models.audit import Verb
from notifications.operations.record_action import record_for_each
from notifications.protocol import sql_replace as sql
from notifications.protocol.run_sql import execute, fetch_all

REPLACED = (  # REPLACE's columns
    "id",
    "channel",
    "lane",
    "status",
    "created_at",
    "next_attempt_at",
    "send_at",
    "place",
    "expires_at",
)


def replace_waiting(
    message: OutboxMessage, context: str, channels: Collection[str], *, expires_after: timedelta | None, using: str
) -> list[dict[str, Any]]:
    """Write `message` over what waits under its key on `channels`; the columns of each replaced row, on record.

    Needs the lane's lock. `expires_after` counts from the moment of the one that waits, unless the message says when.
    """
    given = ("kind", "reference", "origin", "traceparent", "replace_key")
    parameters: dict[str, Any] = {name: getattr(message, name) for name in given} | {
        "recipient": message.recipient_id,
        "context": context,
        "channels": list(channels),
        "expires_at": message.expires_at if expires_after is None else None,
        "expires_after": expires_after,
    }
    rows = [dict(zip(REPLACED, row, strict=True)) for row in fetch_all(sql.REPLACE, parameters, using=using)]
    if rows:
        execute(sql.REFER, {"reference": message.reference, "ids": [row["id"] for row in rows]}, using=using)
        actor = message.origin or "the application"
        record_for_each(Verb.REPLACE, ((row["id"], "") for row in rows), actor=actor, using=using)
    return rows


def under_way(message: OutboxMessage, channels: Collection[str], *, using: str) -> dict[str, int]:
    """By channel, the message with the same key that a relay has begun to send."""
    parameters = {
        "recipient": message.recipient_id,
        "channels": list(channels),
        "replace_key": message.replace_key,
    }
    return dict(fetch_all(sql.UNDER_WAY, parameters, using=using))
