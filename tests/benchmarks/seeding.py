"""Lays out the outbox's tables for a case, straight in SQL: the only file here that knows their columns.

Every lane gets one pending head, as `publish` would leave it, and its rest queued. Recipients 1 to `users` are those
who are measured; the others lie about: one in backoff each, a hot one, those on a channel that nobody serves.
"""

import json
from contextlib import suppress
from typing import Any

import psycopg

from tests.benchmarks.work import CONTEXT, KIND, Work

Connection = psycopg.Connection[tuple[Any, ...]]

EMPTY = """
TRUNCATE notifications_recipient, notifications_publishedkey, notifications_relay, notifications_outboxmessage,
    notifications_deliveryattempt RESTART IDENTITY CASCADE
"""
RECIPIENTS = """
INSERT INTO notifications_recipient (phone, email, locale, time_zone, opt_outs)
SELECT '+49151' || lpad(number::text, 8, '0'), 'user' || number || '@example.com', 'en', 'Europe/Berlin',
    CASE WHEN %(all_channels)s THEN '{}' ELSE '{whatsapp,email}' END::text[]
FROM generate_series(1, %(recipients)s) AS number
"""
FINISHED = """
WITH finished AS (
    INSERT INTO notifications_outboxmessage (recipient_id, lane, kind, channel, context, dedupe_key, reference,
        status, claim_number, attempts, created_at, next_attempt_at, claimed_at, finished_at, provider_id)
    SELECT 1 + (number - 1) %% %(users)s, '', %(kind)s, 'sms', %(context)s::jsonb, '', 'booking:' || number,
        'sent', 1, 1, moment, moment, moment, moment, 'earlier'
    FROM (SELECT number, now() - interval '30 days' + number * interval '1 second' AS moment
          FROM generate_series(1, %(messages)s) AS number) AS earlier
    RETURNING id, finished_at
)
INSERT INTO notifications_deliveryattempt
    (message_id, claim_number, relay_id, started_at, ended_at, answer, code, detail)
SELECT id, 1, 0, finished_at, finished_at, 'accepted', '', '' FROM finished
"""
WAITING = """
INSERT INTO notifications_outboxmessage (recipient_id, lane, kind, channel, context, dedupe_key, reference,
    status, created_at, next_attempt_at)
SELECT %(first)s + (number - 1) %% %(users)s, '', %(kind)s, %(channel)s, %(context)s::jsonb, '', 'booking:' || number,
    CASE WHEN number <= %(users)s THEN 'pending' ELSE 'queued' END,
    now(), now() - interval '1 minute' + number * interval '1 microsecond' + make_interval(secs => %(delay)s)
FROM generate_series(1, %(messages)s) AS number
"""
USERS = """
INSERT INTO auth_user (id, username, email, password, first_name, last_name,
    is_superuser, is_staff, is_active, date_joined)
SELECT id, email, email, '', '', '', false, false, true, now() FROM notifications_recipient
ON CONFLICT (id) DO NOTHING
"""
TABLES = (
    "notifications_recipient",
    "notifications_outboxmessage",
    "notifications_deliveryattempt",
    "notifications_relay",
)


def seed_outbox(connection: Connection, work: Work) -> None:
    """Make the outbox hold `work` and nothing else; the statistics are fresh, and no dirty page is left to write."""
    crowds = (work.backoff, 1 if work.hot else 0, work.elsewhere)
    connection.execute(EMPTY)
    connection.execute(
        RECIPIENTS, {"recipients": work.users + sum(crowds), "all_channels": work.all_channels or work.channel != "sms"}
    )
    if work.history:
        connection.execute(FINISHED, _parameters(messages=work.history, users=work.users))
    # The crowds first: they are older, and stand in front of whatever is read from the beginning.
    backoff, hot, elsewhere = (1 + work.users + sum(crowds[:before]) for before in range(3))
    _wait(connection, first=backoff, users=work.backoff, messages=work.backoff, delay=3600.0)
    _wait(connection, first=hot, users=1, messages=work.hot)
    _wait(connection, first=elsewhere, users=work.elsewhere, messages=work.elsewhere, channel="email")
    _wait(connection, first=1, users=work.users, messages=work.messages, channel=work.channel)
    settle_down(connection, *TABLES)


def seed_users(connection: Connection) -> None:
    """Make each recipient that of a user with the same number."""
    connection.execute(USERS)
    connection.execute("UPDATE notifications_recipient SET user_id = id")
    settle_down(connection, *TABLES)


def settle_down(connection: Connection, *tables: str) -> None:
    """Let nothing of the seeding run into the measure: fresh statistics, and the dirty pages written."""
    connection.execute(f"VACUUM ANALYZE {', '.join(tables)}")
    with suppress(psycopg.errors.InsufficientPrivilege):  # on a server of somebody else's
        connection.execute("CHECKPOINT")


def _wait(
    connection: Connection, *, first: int, users: int, messages: int, channel: str = "sms", delay: float = 0.0
) -> None:
    if messages:
        words = {"first": first, "channel": channel, "delay": delay}
        connection.execute(WAITING, words | _parameters(messages=messages, users=users))


def _parameters(*, messages: int, users: int) -> dict[str, object]:
    return {"messages": messages, "users": users, "kind": KIND, "context": json.dumps(CONTEXT)}
