"""One bad row is reported and passed over, and the rest is done: releases, fallbacks, replays, pruning, alerts."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from notifications.kinds import Fallback, Kind
from notifications.lifecycle import HELD, Permanent
from notifications.models import Alert, BulkReplay, OutboxMessage, PlannedFallback
from notifications.monitoring import alerts
from notifications.monitoring.alert_rules import Findings
from notifications.operations import bulk_replay, release_held
from notifications.operations.prune import prune
from notifications.receipts import late_fallback
from notifications.selectors.failed_messages import Selection
from tests.factories.notifications import RecipientFactory, publish, publish_one, registered
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)
Break = Callable[[str, str], None]


@pytest.fixture
def broken() -> Iterator[Break]:
    """Have the database refuse an operation on messages of which a condition is true, as a constraint would."""

    def break_(operation: str, condition: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE check_violation USING MESSAGE = 'a row of Ann'; END $$"
            )
            cursor.execute(
                f"CREATE TRIGGER refuse BEFORE {operation} ON notifications_outboxmessage"
                f" FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse()"
            )

    yield break_
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION IF EXISTS refuse CASCADE")


def some(number: int = 3) -> list[OutboxMessage]:
    return [publish_one(RecipientFactory()) for _ in range(number)]


def failed() -> list[OutboxMessage]:
    messages = some()
    drain(RecordingChannel(answer=lambda _: Permanent("refused")))
    return messages


def statuses(messages: list[OutboxMessage]) -> list[str]:
    by_id = dict(OutboxMessage.objects.values_list("pk", "status"))
    return [by_id.get(message.pk, "gone") for message in messages]


def test_the_other_held_messages_are_released(broken: Break, caplog: pytest.LogCaptureFixture) -> None:
    messages = some()
    OutboxMessage.objects.update(status="queued", lane=HELD, next_attempt_at=timezone.now() - timedelta(minutes=1))
    broken("UPDATE", f"NEW.id = {messages[1].pk} AND NEW.lane <> '{HELD}'")
    assert release_held.release_due() == 2
    assert statuses(messages) == ["pending", "queued", "pending"]
    assert OutboxMessage.objects.get(pk=messages[1].pk).next_attempt_at > timezone.now(), "tried again later"
    assert f"release failed on {messages[1].pk} and passes it over: IntegrityError" in caplog.text
    assert "Ann" not in caplog.text, "what the database says may quote the row"


def test_the_others_fall_back(broken: Break) -> None:
    after = timedelta(minutes=10)
    kind = Kind("test.greeting", channels=("whatsapp",), fallback={"whatsapp": Fallback("sms", after=after)})
    with registered(kind):
        messages = [message for _ in range(3) for message in publish(RecipientFactory(), kind=kind)]
        drain(RecordingChannel("whatsapp"), RecordingChannel("sms"))
        broken("INSERT", f"NEW.recipient_id = {messages[1].recipient_id}")
        now = timezone.now() + 2 * after
        assert late_fallback.fall_back_due(now=now) == 2
        assert PlannedFallback.objects.get(due_at__isnull=False).message_id == messages[1].pk
        assert late_fallback.fall_back_due(now=now) == 0, "it has a pause of its own"


def test_a_bulk_replay_comes_to_its_end(broken: Break) -> None:
    messages = failed()
    broken("UPDATE", f"NEW.id = {messages[1].pk} AND NEW.status <> 'failed'")
    bulk = BulkReplay.objects.create(
        filters=Selection().as_json(), as_of=timezone.now(), total=3, actor="ann", reason="mended"
    )
    bulk = bulk_replay.work(bulk.pk, seconds=10)
    assert (bulk.replayed, bulk.finished_at is not None) == (2, True)
    assert statuses(messages) == ["pending", "failed", "pending"]


def test_one_bulk_replay_keeps_no_other_from_being_finished(caplog: pytest.LogCaptureFixture) -> None:
    messages = failed()
    facts: dict[str, Any] = {"as_of": timezone.now(), "total": 3, "actor": "ann", "reason": "mended"}
    bad = BulkReplay.objects.create(filters={"a filter": "of another release"}, **facts)
    BulkReplay.objects.create(filters=Selection().as_json(), **facts)
    BulkReplay.objects.update(worked_at=timezone.now() - timedelta(hours=1))
    assert bulk_replay.finish_abandoned(seconds=10) == 1
    assert statuses(messages) == ["pending"] * 3
    assert f"bulk replay failed on {bad.pk}" in caplog.text


def test_the_others_are_pruned(broken: Break) -> None:
    messages = failed()
    broken("DELETE", f"OLD.id = {messages[1].pk}")
    pruned = prune(timezone.now() + timedelta(days=1), pause=lambda _: False)
    assert (pruned.total, pruned.is_complete) == (2, True)
    assert statuses(messages) == ["gone", "failed", "gone"]


def test_the_other_alerts_are_told(caplog: pytest.LogCaptureFixture) -> None:
    def notify(alert: Alert) -> bool:
        if alert.name == "bad":
            raise KeyError("a bug in a notifier")
        return True

    found = Findings({"bad": "It is late.", "good": "It is late, too."})
    assert alerts.evaluate(notify, found=found) == ["good"]
    assert "notifying failed on bad" in caplog.text
    assert alerts.evaluate(lambda _: True, found=found) == ["bad"], "told at the next look"
