"""A busy day at the outbox, as the board shows it: written row by row, so that every figure on the page is known."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Model
from django_q.models import Schedule, Task

from notifications.models import ChannelState, Depth, OutboxMessage, Receipt, Recipient, Relay, Tally
from notifications.protocol.histogram import BOUNDS, SIZE
from notifications.selectors.database_clock import database_now
from tests.factories.notifications import RecipientFactory

MINUTE = timedelta(minutes=1)
CHANNELS = ("email", "sms", "whatsapp")
REASONS = (("sms", "twilio_30008", 7), ("sms", "twilio_21610", 3), ("email", "smtp_550", 2))


def busy_day() -> datetime:
    """Two relays, one channel paused and one broken, retries, dead letters, and a day of history; returns now."""
    now = database_now()
    current = now.replace(second=0, microsecond=0)
    first, second = relays(now)
    history(current, first, second)
    channels(now)
    lanes(now)
    dead_letters(now)
    schedules(now)
    return now


def message(recipient: Recipient | None = None, **fields: Any) -> OutboxMessage:
    """A row as the protocol would have left it."""
    words = {"kind": "booking.confirmed", "context": {}, "channel": "sms", "status": "pending"}
    return OutboxMessage.objects.create(recipient=recipient or RecipientFactory(), **(words | fields))


def relays(now: datetime) -> tuple[int, int]:
    heard = now + timedelta(minutes=2)  # so that no test is too slow for it
    common = {"concurrency": 32, "heartbeat_at": heard, "lease_until": now + timedelta(minutes=5), "load": 0.84}
    first = Relay.objects.create(host="relay-1", pid=412, in_flight=2, started_at=now - timedelta(days=3), **common)
    second = Relay.objects.create(
        host="relay-2", pid=388, in_flight=0, started_at=now - timedelta(hours=5), command="drain", **common
    )
    return first.pk, second.pk


def history(current: datetime, *relay_ids: int) -> None:
    """A day of minutes. The rows are copied: made one by one, they cost each test seconds."""
    minutes = [(current - MINUTE * back, back, crowd_of(back)) for back in range(1440)]
    copy(
        Depth,
        "minute queued later due sending failed",
        ((minute, int(crowd * 40), 4, int(crowd * 11), int(crowd * 6), 12) for minute, _, crowd in minutes),
    )
    copy(
        Tally,
        "minute channel relay_id counted_from counted_until sent failed accepted delays delay_seconds",
        (
            tally(minute, place, relay_ids[back % 2] if back < 5 else 0, back, crowd)
            for minute, back, crowd in minutes
            for place in range(len(CHANNELS))
        ),
    )


def crowd_of(back: int) -> float:
    """How busy it was `back` minutes ago: two waves, and a rush of an hour."""
    return 1 + math.sin(back / 230) + (3 if 300 < back < 360 else 0)


def tally(minute: datetime, place: int, relay_id: int, back: int, crowd: float) -> tuple[Any, ...]:
    sent = int(30 * crowd) + place
    delays = [0] * SIZE
    delays[5 + place], delays[8 + place] = sent - sent // 10, sent // 10
    failed = int(crowd > 4) + int(back % 97 == 0)
    until = minute + timedelta(seconds=59)
    return minute, CHANNELS[place], relay_id, minute, until, sent, failed, sent, delays, sent * BOUNDS[5]


def copy(model: type[Model], columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """Write many rows at once; columns that are not named take the database's defaults."""
    names = ", ".join(columns.split())
    with connection.cursor() as cursor, cursor.copy(f"COPY {model._meta.db_table} ({names}) FROM STDIN") as copying:
        for row in rows:
            copying.write_row(row)


def channels(now: datetime) -> None:
    ChannelState.objects.create(name="sms")
    ChannelState.objects.create(
        name="email", paused_at=now - timedelta(minutes=4), paused_by="ann", pause_reason="new templates go live"
    )
    ChannelState.objects.create(
        name="whatsapp",
        broken_at=now - timedelta(minutes=2),
        probes=4,
        probe_at=now + timedelta(minutes=4),
        last_error="twilio_20003",
    )


def lanes(now: datetime) -> None:
    """One lane with five behind a retry, one behind the paused channel, two messages that are due."""
    busy, patient = RecipientFactory(), RecipientFactory()
    message(busy, attempts=1, error_code="twilio_30008", next_attempt_at=now + timedelta(minutes=3))
    for _ in range(5):
        message(busy, status="queued")
    message(patient, channel="email", next_attempt_at=now - timedelta(minutes=4))
    message(patient, channel="email", status="queued")
    for _ in range(2):
        message(next_attempt_at=now - timedelta(seconds=8))


def dead_letters(now: datetime) -> None:
    for channel, code, number in REASONS:
        for place in range(number):
            ended = now - timedelta(minutes=5 * place)
            message(channel=channel, status="failed", error_code=code, finished_at=ended, claim_number=1, attempts=1)
    for place, status in enumerate(("delivered", "delivered", "undelivered", "sent")):
        sent = message(status="sent", finished_at=now - timedelta(minutes=place), claim_number=1, attempts=1)
        Receipt.objects.create(message=sent, provider_id=f"SM{place}", status=status)


def schedules(now: datetime) -> None:
    for name, minutes, success in (("expire holds", 1, True), ("sweep payments", 5, False)):
        task = Task.objects.create(
            id=f"task-{minutes}",
            name=name,
            func="some.task",
            group=name,
            started=now - timedelta(seconds=40),
            stopped=now - timedelta(seconds=39),
            success=success,
        )
        Schedule.objects.create(
            name=name, func="some.task", minutes=minutes, next_run=now + timedelta(seconds=20), task=task.id
        )
    Schedule.objects.create(name="queue reminders", func="some.task", minutes=1, repeats=0, next_run=now)
