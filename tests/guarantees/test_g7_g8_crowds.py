"""G7: no crowd slows anybody else down. G8: a claim costs the same, whatever waits, whatever was, whoever looks on.

Cost is counted in buffers that the claim's statement touches, not in time: the same on every machine.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection
from pytest_django import Settings

from notifications.kinds import Kind
from notifications.lifecycle import Accepted, Status, Transient
from notifications.models import OutboxMessage, Recipient
from notifications.policy.retry import RetryPolicy
from notifications.protocol import sql_messages as sql
from notifications.protocol.arrays import numbers, texts
from notifications.relay import claim, settle
from notifications.relay.connection import open_connection
from notifications.relay.messages import Settlement
from tests.factories.notifications import RecipientFactory, publish, publish_one
from tests.stage.relay import HandRelay, RecordingChannel, running_loop
from tests.stage.waiting import wait_until

BOTH = Kind("test.greeting", channels=("sms", "email"))

pytestmark = pytest.mark.django_db(transaction=True)

FILL = """
INSERT INTO notifications_outboxmessage (recipient_id, lane, kind, channel, context, dedupe_key, reference,
    created_at, next_attempt_at, finished_at, status)
SELECT {recipient}, '', 'test.greeting', '{channel}', '{{"name": "Ann"}}', '', '', now(), {due}, {finished}, '{status}'
FROM generate_series(1, {number}) AS number
"""


def people(number: int) -> int:
    """Make `number` recipients; returns the first one's id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO notifications_recipient"
            " (phone, email, locale, time_zone)"
            " SELECT '+1415' || lpad(number::text, 7, '0'), '', 'en', 'UTC'"
            " FROM generate_series(1, %s) AS number RETURNING id",
            [number],
        )
        return min(row[0] for row in cursor.fetchall())


def fill(number: int, *, status: str, recipient: str, due: str = "now()", channel: str = "sms") -> None:
    """Insert `number` messages; `recipient` and `due` are SQL over `number`, which counts from 1."""
    finished = "now()" if status in ("sent", "failed") else "NULL"
    with connection.cursor() as cursor:
        words = {"number": number, "status": status, "recipient": recipient, "due": due, "channel": channel}
        cursor.execute(FILL.format(**words, finished=finished))
        cursor.execute("VACUUM ANALYZE notifications_outboxmessage")


def buffers_of_a_claim(relay: HandRelay, *, limit: int = 20) -> int:
    """How many buffers a claim of `limit` messages touches; the claim is taken back."""
    parameters = claim.Claimer()._parameters(relay.lease.relay_id, {"sms": limit})
    with relay.connection.transaction(force_rollback=True):
        row = relay.connection.execute(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + claim._statement(1), parameters
        ).fetchone()
    assert row
    (plan,) = row[0] if not isinstance(row[0], str) else json.loads(row[0])
    assert plan["Plan"]["Actual Rows"] == limit
    return plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]


@pytest.fixture
def alone(hand_relay: Callable[..., HandRelay]) -> tuple[HandRelay, int]:
    """A relay, and what a claim costs where a thousand heads wait after a short history; indexes have their levels."""
    first = people(2_000)
    fill(4_000, status="sent", recipient=f"{first} + number % 2000")
    fill(1_000, status="pending", recipient=f"{first} - 1 + number", due="now() - interval '1 second'")
    relay = hand_relay()
    return relay, buffers_of_a_claim(relay)


CROWDS: dict[str, Callable[[], None]] = {
    "a backlog of 30,000": lambda: fill(30_000, status="pending", recipient=f"{people(30_000)} - 1 + number"),
    "a history of 60,000": lambda: fill(60_000, status="sent", recipient=f"{people(1)}"),
    "30,000 users in backoff": lambda: fill(
        30_000, status="pending", recipient=f"{people(30_000)} - 1 + number", due="now() + interval '1 hour'"
    ),
    "50,000 of one user": lambda: fill(50_000, status="queued", recipient=f"{people(1)}"),
    "30,000 on a paused channel": lambda: fill(
        30_000,
        status="pending",
        recipient=f"{people(30_000)} - 1 + number",
        due="now() - interval '1 day'",
        channel="email",
    ),
}


@pytest.mark.parametrize("crowd", CROWDS)
def test_a_claim_costs_the_same_beside(alone: tuple[HandRelay, int], crowd: str) -> None:
    relay, before = alone
    CROWDS[crowd]()
    assert buffers_of_a_claim(relay) <= before * 1.25


@pytest.mark.parametrize("crowd", CROWDS)
def test_a_settle_reads_nothing_but_its_messages_and_their_lanes_beside(
    hand_relay: Callable[..., HandRelay], crowd: str
) -> None:
    first = people(500)
    fill(500, status="pending", recipient=f"{first} - 1 + number", due="now() - interval '1 hour'")
    fill(1_000, status="queued", recipient=f"{first} + number % 500")
    relay = hand_relay()
    claimed = relay.claim(500)
    CROWDS[crowd]()
    ready = [Settlement(message, Status.SENT, 1, outcome=Accepted("provider")) for message in claimed]
    read = rows_read(relay, sql.SETTLE, {"relay": relay.lease.relay_id} | settle._columns(ready, now=0.0))
    assert max(read) == 500, f"each message, and the next of its lane, and no crowd: {read}"


@pytest.mark.parametrize("crowd", CROWDS)
def test_a_promotion_reads_nothing_but_its_lanes_beside(hand_relay: Callable[..., HandRelay], crowd: str) -> None:
    first = people(500)
    fill(1_000, status="queued", recipient=f"{first} + number % 500")
    CROWDS[crowd]()
    read = rows_read(
        hand_relay(), sql.PROMOTE, {"recipients": numbers(range(first, first + 500)), "lanes": texts([""] * 500)}
    )
    assert max(read) == 500, f"each lane's next message, and no crowd: {read}"


def rows_read(relay: HandRelay, statement: str, parameters: dict[str, object]) -> list[float]:
    """How many rows each step of the statement reads; what it does is taken back."""
    with relay.connection.transaction(force_rollback=True):
        row = relay.connection.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, parameters).fetchone()
    assert row
    return list(_rows_read(row[0][0]["Plan"]))


def _rows_read(plan: dict[str, Any]) -> Iterator[float]:
    yield (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    for step in plan.get("Plans", ()):
        yield from _rows_read(step)


def test_a_claim_that_remembers_its_place_walks_past_no_dead_entries(hand_relay: Callable[..., HandRelay]) -> None:
    """With an old snapshot open, what was claimed cannot be cleaned out of the index in front."""
    first = people(6_000)
    fill(
        6_000,
        status="pending",
        recipient=f"{first} - 1 + number",
        due="now() - interval '1 hour' + number * interval '1 ms'",
    )
    relay = hand_relay()
    with old_snapshot():
        claimer = claim.Claimer()
        costs = []
        for _ in range(5):
            claimed = claimer.claim(relay.connection, relay_id=relay.lease.relay_id, limits={"sms": 1_000})
            assert len(claimed) == 1_000
            costs.append(buffers_from(relay, claimer))
        from_the_beginning = buffers_from(relay, claim.Claimer())
    assert from_the_beginning > costs[-1] + 100, "there is something to walk past"
    assert costs[-1] <= costs[0] * 1.25, "it does not grow as the run goes on"


def buffers_from(relay: HandRelay, claimer: claim.Claimer) -> int:
    """What a claim of 20 would touch that starts where `claimer` stands."""
    parameters = claimer._parameters(relay.lease.relay_id, {"sms": 20})
    with relay.connection.transaction(force_rollback=True):
        row = relay.connection.execute(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + claim._statement(1), parameters
        ).fetchone()
    assert row
    plan = row[0][0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@contextmanager
def old_snapshot() -> Iterator[None]:
    """A transaction that looked at the database before, and still does."""
    other = open_connection("default", name="a report")
    other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with other.transaction():
        other.execute("SELECT count(*) FROM notifications_outboxmessage")
        yield
    other.close()


def test_a_newcomer_does_not_stand_behind_one_users_campaign() -> None:
    hot: Recipient = RecipientFactory()
    fill(20_000, status="queued", recipient=str(hot.pk))
    OutboxMessage.objects.filter(pk=OutboxMessage.objects.order_by("pk").values("pk")[:1]).update(status="pending")
    sms = RecordingChannel()
    with running_loop(sms):
        wait_until(lambda: len(sms.sent) > 100)
        newcomer = publish_one(RecipientFactory())
        ahead = len(sms.sent)
        wait_until(lambda: any(each.message_id == newcomer.pk for each in list(sms.sent)), seconds=5)
        place = [each.message_id for each in list(sms.sent)].index(newcomer.pk)
    assert place - ahead < 200, "it waits for the heads that were due before it, not for those queued behind them"


def test_a_newcomer_waits_for_the_heads_before_it_and_not_for_the_campaign_behind_them() -> None:
    """100,000 messages to 200 others: 200 heads are due before the newcomer's, and that is all that goes before it."""
    heads, first = 200, people(200)
    fill(heads, status="pending", recipient=f"{first} + number - 1")
    fill(100_000 - heads, status="queued", recipient=f"{first} + number % {heads}")
    newcomer = publish_one(RecipientFactory())
    sms = RecordingChannel()
    with running_loop(sms):
        wait_until(lambda: any(each.message_id == newcomer.pk for each in list(sms.sent)), seconds=10)
        place = [each.message_id for each in list(sms.sent)].index(newcomer.pk)
    assert place <= heads + 100, "the heads that were due before it, and what was in hand besides"


def test_with_a_lane_for_each_channel_an_outage_of_one_holds_back_no_other(settings: Settings) -> None:
    settings.OUTBOX_LANE = "recipient+channel"
    recipient = RecipientFactory()
    down = RecordingChannel("sms", answer=lambda _: Transient("connection_refused"))
    email = RecordingChannel("email")
    for _ in range(3):
        publish(recipient, kind=BOTH)
    slow = RetryPolicy(max_attempts=3, backoff_seconds=600, backoff_max_seconds=600, max_rescues=5)
    with running_loop(down, email, policy=slow):
        wait_until(lambda: len(email.sent) == 3)
        wait_until(lambda: down.sent)
    by_channel = OutboxMessage.objects.filter(channel="sms").order_by("pk").values_list("status", flat=True)
    assert list(by_channel) == ["pending", "queued", "queued"], "the channel itself stays in order"
