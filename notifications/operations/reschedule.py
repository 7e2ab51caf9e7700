"""Moves messages that wait for the moment for which they were published to another one, on record."""

from collections.abc import Iterable
from datetime import datetime

from django.db import DEFAULT_DB_ALIAS

from notifications import origin
from notifications.errors import InvalidMessage
from notifications.models import OutboxMessage
from notifications.models.audit import Verb
from notifications.operations.record_action import record_for_each
from notifications.operations.release_held import release_batch
from notifications.policy.moments import moment_problem
from notifications.protocol import sql_lanes
from notifications.protocol.lanes import locked_lanes
from notifications.selectors.database_clock import database_now


def reschedule(
    ids: Iterable[int], *, send_at: datetime, actor: str = "", reason: str = "", using: str = DEFAULT_DB_ALIAS
) -> list[int]:
    """Have those among `ids` that still wait for their moment sent at `send_at` instead; returns them.

    What is due already, or was published without a moment, stays as it is. A moment that has passed means now. A
    message that expires does so as much later, or earlier. Raises InvalidMessage for a moment without a time zone.
    """
    if problem := moment_problem(send_at):
        raise InvalidMessage(f"send_at {problem}")
    wanted = sorted(set(ids))
    actor = actor or origin.current() or "the application"
    recipients = dict(OutboxMessage.objects.using(using).filter(pk__in=wanted).values_list("pk", "recipient_id"))
    with locked_lanes(recipients.values(), using=using) as lanes:
        now = database_now(using)
        rows = lanes.fetch_all(sql_lanes.RESCHEDULE, {"ids": wanted, "send_at": max(send_at, now)})
        moved = sorted(message for message, *_ in rows)
        detail = f"to {max(send_at, now).isoformat(timespec='seconds')}"
        each = ((message, "") for message in moved)
        record_for_each(Verb.RESCHEDULE, each, actor=actor, reason=reason, using=using, detail=detail)
        if moved and send_at <= now:
            release_batch(recipients, moved, using=using)
    return moved
