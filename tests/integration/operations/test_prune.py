"""prune_outbox: what ended long ago goes, in batches, along the index; nothing else ever does (G3)."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.utils import timezone
from pytest_django import Settings

from notifications import schedules
from notifications.models import (
    AddressVerification,
    Allowance,
    Conversation,
    DeliveryAttempt,
    MessageReference,
    OutboxMessage,
    PublishedKey,
)
from notifications.models.audit import OperatorAction
from notifications.operations import prune
from notifications.operations.replay import replay
from notifications.relay.connection import open_connection
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.commands import command, refused
from tests.stage.relay import ROOT, HandRelay, RecordingChannel, drain
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

FILL = """
INSERT INTO notifications_outboxmessage
    (recipient_id, lane, kind, channel, context, dedupe_key, reference, status, created_at, finished_at)
SELECT %(recipient)s, '', 'test.greeting', 'sms', '{}', '', '', 'sent', moment, moment
FROM (SELECT now() - make_interval(days => %(days)s) FROM generate_series(1, %(number)s)) AS each (moment)
"""
ATTEMPTS = """
INSERT INTO notifications_deliveryattempt (message_id, claim_number, relay_id, answer, code, detail)
SELECT id, 1, 1, 'accepted', '', '' FROM notifications_outboxmessage
"""


def execute(statement: str, **parameters: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def fill(number: int, *, days: int) -> None:
    """`number` messages that were published and sent so many days ago, each with its attempt."""
    execute(FILL, recipient=RecipientFactory().pk, number=number, days=days)
    execute(ATTEMPTS + f" WHERE created_at < now() - interval '{days} days' ON CONFLICT DO NOTHING")


def age(message: OutboxMessage, *, days: float) -> None:
    execute(
        "UPDATE notifications_outboxmessage SET created_at = created_at - make_interval(secs => %(seconds)s),"
        " finished_at = finished_at - make_interval(secs => %(seconds)s) WHERE id = %(id)s",
        seconds=days * 86_400,
        id=message.pk,
    )


def test_what_ended_long_ago_goes_with_all_that_hangs_on_it() -> None:
    recipient = RecipientFactory()
    old = publish_one(recipient, dedupe_key="welcome", reference="booking:1")
    recent = publish_one(recipient, reference="booking:2")
    drain(RecordingChannel())
    age(old, days=31)
    assert command("prune_outbox", "--older-than", "30").startswith("Removed 1 messages that ended before ")
    assert list(OutboxMessage.objects.values_list("pk", flat=True)) == [recent.pk]
    assert set(DeliveryAttempt.objects.values_list("message", flat=True)) == {recent.pk}
    assert set(MessageReference.objects.values_list("message", flat=True)) == {recent.pk}
    assert PublishedKey.objects.filter(key="welcome").exists(), "what was announced once is not announced again"


def test_unfinished_messages_stay_however_old_they_are(hand_relay: Callable[..., HandRelay]) -> None:
    recipients = RecipientFactory.create_batch(2)
    messages = [publish_one(recipient) for recipient in recipients for _ in range(2)]
    hand_relay().claim(1)
    for message in messages:
        age(message, days=1000)
    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"sending", "pending", "queued"}
    call_command("prune_outbox", "--older-than", "0", verbosity=0)
    assert OutboxMessage.objects.count() == 4


def test_an_old_message_that_ended_lately_stays() -> None:
    message = publish_one(RecipientFactory())
    drain(RecordingChannel())
    execute("UPDATE notifications_outboxmessage SET created_at = created_at - interval '1 year'")
    call_command("prune_outbox", "--older-than", "30", verbosity=0)
    assert OutboxMessage.objects.get() == message


def test_what_staff_did_stays_on_record() -> None:
    message = publish_one(RecipientFactory())
    execute("UPDATE notifications_outboxmessage SET status = 'failed', finished_at = now()")
    replay([message.pk], actor="ann")
    drain(RecordingChannel())
    age(message, days=2)
    call_command("prune_outbox", "--older-than", "1", verbosity=0)
    assert not OutboxMessage.objects.exists()
    assert OperatorAction.objects.get().actor == "ann"


def test_a_message_that_is_being_replayed_stays() -> None:
    message = publish_one(RecipientFactory())
    execute("UPDATE notifications_outboxmessage SET status = 'failed', finished_at = now() - interval '9 days'")
    age(message, days=9)
    other = open_connection("default", name="a replay")
    with other.transaction():
        other.execute("UPDATE notifications_outboxmessage SET status = 'pending', finished_at = NULL")
        assert "Removed 0 messages" in command("prune_outbox", "--older-than", "1")
    other.close()
    assert OutboxMessage.objects.get().status == "pending"


def test_a_dry_run_counts_and_changes_nothing() -> None:
    fill(30, days=10)
    execute("UPDATE notifications_outboxmessage SET status = 'failed' WHERE id %% 3 = 0")
    said = command("prune_outbox", "--older-than", "5", "--dry-run")
    assert said.startswith("Would remove 30 messages")
    assert "10 failed, 20 sent" in said
    assert OutboxMessage.objects.count() == 30


def test_it_reads_along_the_key_and_stops_where_the_young_begin() -> None:
    fill(1_000, days=10)
    fill(20_000, days=1)
    for table in ("outboxmessage", "deliveryattempt", "messagereference"):
        execute(f"ANALYZE notifications_{table}")
    touched = reads_of(lambda: prune.prune(timezone.now() - timedelta(days=5), batch=100, pause=lambda _: False))
    assert OutboxMessage.objects.count() == 20_000
    assert touched["seq_scan"] == 0
    assert touched["rows_read"] <= 6 * 1_000 + 100, "the old ones and a batch of the young, not the table"


def reads_of(work: Callable[[], object]) -> dict[str, int]:
    """What `work` made PostgreSQL read of the messages' and attempts' tables, by its own statistics."""
    with transaction.atomic():
        scans_before, rows_before = reads_so_far()  # what was read before and not been reported yet counts as well
        work()
        scans, rows = reads_so_far()
    return {"seq_scan": scans - scans_before, "rows_read": rows - rows_before}


def reads_so_far() -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(seq_scan), sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables WHERE relname"
            " IN ('notifications_outboxmessage', 'notifications_deliveryattempt')"
        )
        scans, rows = cursor.fetchone()
    return int(scans), int(rows)


def test_a_publication_beside_it_does_not_wait() -> None:
    """It locks no recipient."""
    recipient = RecipientFactory()
    fill(10, days=10)
    with outbox_locked_out():
        connection.cursor().execute("SET lock_timeout = '2s'")
        publish_one(recipient)
        connection.cursor().execute("RESET lock_timeout")


class outbox_locked_out:  # noqa: N801  (reads as a block)
    """A prune that has deleted its batch and not committed yet."""

    def __enter__(self) -> None:
        self._other = open_connection("default", name="a prune")
        self._other.autocommit = False
        self._other.execute("DELETE FROM notifications_deliveryattempt")
        self._other.execute("DELETE FROM notifications_outboxmessage WHERE status = 'sent'")

    def __exit__(self, *_: object) -> None:
        self._other.rollback()
        self._other.close()


def test_sigterm_ends_it_between_two_batches(database_url: str) -> None:
    fill(25_000, days=10)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "prune_outbox", "--older-than", "5"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database_url, "DJANGO_DEBUG": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until(lambda: OutboxMessage.objects.count() < 25_000)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    left = OutboxMessage.objects.count()
    assert 0 < left < 25_000
    assert f"Removed {25_000 - left} messages" in output
    assert "Stopped before the end; run it again for the rest." in output
    assert DeliveryAttempt.objects.count() == left


@pytest.mark.parametrize("days", ["-1", "many", "nan"])
def test_pruning_refuses_bad_arguments(days: str) -> None:
    assert "must be a number of at least 0" in refused("prune_outbox", "--older-than", days)


def test_the_schedule_prunes_only_where_it_is_told_to(settings: Settings) -> None:
    fill(5, days=10)
    settings.OUTBOX_PRUNE_DAYS = 0
    assert "OUTBOX_PRUNE_DAYS is 0" in schedules.prune_outbox()
    settings.OUTBOX_PRUNE_DAYS = 9
    assert schedules.prune_outbox() == "5 messages removed"


def test_autovacuum_begins_early_on_the_hot_tables() -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT relname, reloptions FROM pg_class WHERE reloptions IS NOT NULL AND relname ~ '^notifications_'"
        )
        options = {name: chosen for name, chosen in cursor.fetchall() if chosen}
    assert "autovacuum_vacuum_scale_factor=0.02" in options["notifications_outboxmessage"]
    hot = ("deliveryattempt", "recipient", "relay", "channelstate")
    assert options.keys() >= {f"notifications_{name}" for name in hot}


def test_what_is_known_of_people_goes_after_its_time(settings: Settings) -> None:
    now = timezone.now()
    for phone, days in (("+14155550001", 31), ("+14155550002", 29)):
        Conversation.objects.create(channel="sms", phone=phone, last_inbound_at=now - timedelta(days=days))
    for key, days in (("recipient:1", 3), ("recipient:2", 1)):
        Allowance.objects.create(key=key, day=now - timedelta(days=days))
    recipient = RecipientFactory()
    for field, days in (("phone", 31), ("email", 29)):
        AddressVerification.objects.create(recipient=recipient, field=field, expires_at=now - timedelta(days=days))

    assert schedules.prune_people() == "3 rows removed"
    assert Conversation.objects.get().phone == "+14155550002"
    assert Allowance.objects.get().key == "recipient:2"
    assert AddressVerification.objects.get().field == "email"
    settings.OUTBOX_CONVERSATION_DAYS = 0
    Conversation.objects.update(last_inbound_at=now - timedelta(days=900))
    assert schedules.prune_people() == "0 rows removed"
