"""prune_outbox among many millions of finished messages, on request:

    OUTBOX_ROWS=20000000 pytest tests/integration/operations/test_prune_a_large_outbox.py -s -o timeout=0

It prints and judges what a batch takes, and what a relay beside it notices. A tenth of the messages is old enough.
"""

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from notifications.operations.prune import BATCH, prune
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, drain

ROWS = int(os.environ.get("OUTBOX_ROWS", "0"))
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(ROWS < 100_000, reason="judges the time; with OUTBOX_ROWS of a hundred thousand and more"),
    pytest.mark.usefixtures("commits_reach_the_disk"),
]
MOST_OF_A_BATCH = 0.25  # seconds, for 99 of 100
MOST_TO_SEND = 3.0  # times as long as alone, to publish and send one

# Sent evenly over a hundred days; each with its attempt, every second with a reference, every third with a receipt.
SEED = """
INSERT INTO notifications_outboxmessage (recipient_id, lane, kind, channel, context, dedupe_key, reference, provider_id,
    created_at, next_attempt_at, claimed_at, finished_at, attempts, claim_number, receipt, status)
SELECT %(first)s + number %% %(people)s, '', 'test.greeting', 'sms', '{"name": "Ann", "title": "Morning yoga"}', '',
    'booking:' || number, 'SM' || md5(number::text), moment, moment, moment, moment, 1, 1, '', 'sent'
FROM generate_series(1, %(rows)s) AS number
CROSS JOIN LATERAL (SELECT now() - interval '100 days' * (1 - number::float8 / %(rows)s)) AS at (moment);
INSERT INTO notifications_deliveryattempt (message_id, claim_number, relay_id, answer, code, detail, provider_id)
SELECT id, 1, 1, 'accepted', '', '', provider_id FROM notifications_outboxmessage;
INSERT INTO notifications_messagereference (reference, message_id)
SELECT reference, id FROM notifications_outboxmessage WHERE id %% 2 = 0;
INSERT INTO notifications_receipt (message_id, provider_id, claim_number, status)
SELECT id, provider_id, 1, 'delivered' FROM notifications_outboxmessage WHERE id %% 3 = 0;
"""
TABLES = [f"notifications_{name}" for name in ("outboxmessage", "deliveryattempt", "messagereference", "receipt")]


@pytest.fixture
def outbox(transactional_db: None) -> None:
    people = RecipientFactory.create_batch(1)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO notifications_recipient (phone, email, locale, time_zone)"
            " SELECT '+1415' || lpad(number::text, 7, '0'), '', 'en', 'UTC' FROM generate_series(1, %s) AS number",
            [ROWS // 100],
        )
        cursor.execute("SET session_replication_role = replica")  # foreign keys hold by construction
        cursor.execute(SEED, {"rows": ROWS, "people": ROWS // 100, "first": people[0].pk})
        cursor.execute("RESET session_replication_role")
        cursor.execute(f"VACUUM ANALYZE {', '.join(TABLES)}")
        cursor.execute("CHECKPOINT")


def test_a_batch_is_short_and_a_relay_beside_it_goes_on(outbox: None) -> None:
    alone = statistics.median(seconds_to_send() for _ in range(20))
    batches: list[float] = []
    began, processor, log = time.monotonic(), time.thread_time(), log_position()
    with meanwhile(seconds_to_send) as beside:
        pruned = prune(timezone.now() - timedelta(days=90), pause=batches.append)  # type: ignore[func-returns-value]
    took, processor = time.monotonic() - began, time.thread_time() - processor
    usual, rare, most = statistics.median(batches), statistics.quantiles(batches, n=100)[98], max(batches)
    written = (log_position() - log) / pruned.total
    print(
        f"\n{pruned.total} of {ROWS}: {pruned.total / took:.0f}/s without pauses;"
        f" each {processor * 1e6 / pruned.total:.0f} µs of this process and {written:.0f} bytes of WAL"
        f"\na batch of {BATCH}: {usual * 1000:.0f} ms, 1 in 100 over {rare * 1000:.0f}, at most {most * 1000:.0f}"
        f"\npublish and send one: {alone * 1000:.1f} ms alone, {statistics.median(beside) * 1000:.1f} beside it,"
        f" at most {max(beside) * 1000:.0f}, {len(beside)} times"
    )
    assert pruned.is_complete
    assert pruned.total >= ROWS // 10 - BATCH
    assert rare < MOST_OF_A_BATCH
    assert statistics.median(beside) < MOST_TO_SEND * alone


def seconds_to_send() -> float:
    began = time.monotonic()
    publish_one(RecipientFactory())
    drain(RecordingChannel())
    return time.monotonic() - began


@contextmanager
def meanwhile(work: Callable[[], float]) -> Iterator[list[float]]:
    """`work` again and again in a thread, with what it returned."""
    is_over, returned = threading.Event(), []

    def go_on() -> None:
        while not is_over.is_set():
            returned.append(work())
        connections.close_all()

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield returned
    finally:
        is_over.set()
        thread.join()


def log_position() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
        return int(cursor.fetchone()[0])
