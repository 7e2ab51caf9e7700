"""Actions on all that matches: all of it is done, in batches, on record; and nothing that came after the preview."""

from collections import Counter
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from notifications.admin import lists
from notifications.lifecycle import Permanent
from notifications.models import OutboxMessage
from notifications.models.audit import BulkReplay, OperatorAction
from notifications.operations import bulk_replay
from notifications.selectors.failed_messages import Selection, preview_replay
from tests.factories.notifications import RecipientFactory, publish_one
from tests.factories.staff import staff
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)


REPLAY = reverse("admin:notifications_outboxmessage_replay")
CANCEL_ALL = reverse("admin:notifications_outboxmessage_cancel_all")
MESSAGES = reverse("admin:notifications_outboxmessage_changelist")
MANY = 130  # more than a page of the list shows


def test_what_fails_after_the_preview_is_not_replayed_with_it(failed: OutboxMessage) -> None:
    client = staff("view_outboxmessage", "replay_outboxmessage")
    seen = client.get(REPLAY, {"channel": "sms"}).context["seen"]
    later = publish_one(RecipientFactory())
    drain(RecordingChannel(answer=lambda outgoing: Permanent("twilio_21211", "No.")))
    confirmed = {"channel": "sms", "reason": "why not", "as_of": seen.as_of.isoformat()}
    assert "Replay 2 messages" in client.post(REPLAY, {**confirmed, "as_of": ""}).content.decode(), "it asks again"
    begun = client.post(REPLAY, confirmed, follow=True).context["bulk"]
    client.post(reverse("admin:notifications_bulkreplay_continue", args=[begun.pk]))
    assert {row.pk: row.status for row in OutboxMessage.objects.all()} == {failed.pk: "pending", later.pk: "failed"}


def canceller() -> Client:
    return staff("view_outboxmessage", "cancel_outboxmessage")


def states() -> dict[str, int]:
    return dict(Counter(OutboxMessage.objects.values_list("status", flat=True)))


def test_all_that_match_are_cancelled_not_only_those_of_the_page() -> None:
    """“All 130 selected”, cancel: 50."""
    for _ in range(MANY):
        publish_one(RecipientFactory())
    client = canceller()
    chosen = {
        "action": "cancel_selected",
        "select_across": "1",
        "_selected_action": [str(OutboxMessage.objects.latest("id").pk)],
    }
    page = client.post(f"{MESSAGES}?channel=sms", chosen, follow=True)
    seen = page.context["seen"]
    assert f"{MANY} messages would never be sent" in page.content.decode()
    later = publish_one(RecipientFactory())

    confirmed = {"channel": "sms", "reason": "the tour is off", "as_of": seen.as_of.isoformat()}
    begun = client.post(CANCEL_ALL, confirmed, follow=True).context["bulk"]
    client.post(reverse("admin:notifications_bulkreplay_continue", args=[begun.pk]))

    assert states() == {"cancelled": MANY, "pending": 1}
    assert OutboxMessage.objects.get(status="pending").pk == later.pk, "it came after the preview"
    records = OperatorAction.objects.filter(action="cancel", bulk=begun, reason="the tour is off")
    assert records.count() == MANY
    progress = client.get(reverse("admin:notifications_bulkreplay_change", args=[begun.pk])).content.decode()
    assert f"Cancelled {MANY} of {MANY}." in progress


def test_a_cancellation_can_be_stopped_and_nobody_need_watch_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_replay, "BATCH", 10)
    for _ in range(30):
        publish_one(RecipientFactory())
    selection = Selection(is_waiting=True)
    begun = bulk_replay.start(selection, preview_replay(selection), actor="ann", reason="a test")
    bulk_replay.work(begun.pk, seconds=0)
    assert states() == {"cancelled": 10, "pending": 20}
    answer = canceller().post(reverse("admin:notifications_bulkreplay_stop", args=[begun.pk]), follow=True)
    assert "What is already cancelled stays cancelled." in answer.content.decode()
    assert bulk_replay.work(begun.pk, seconds=9).replayed == 10

    again = bulk_replay.start(selection, preview_replay(selection), actor="ann", reason="a test")
    BulkReplay.objects.filter(pk=again.pk).update(worked_at=again.worked_at - timedelta(minutes=1))
    assert bulk_replay.finish_abandoned(seconds=9) == 1
    assert states() == {"cancelled": 30}


def test_who_may_replay_may_not_cancel_and_the_other_way_round(failed: OutboxMessage) -> None:
    selection = Selection(is_waiting=True)
    publish_one(RecipientFactory())
    begun = bulk_replay.start(selection, preview_replay(selection), actor="ann", reason="a test")
    replayer = staff("view_outboxmessage", "replay_outboxmessage", name="rob")
    for address in ("continue", "stop"):
        assert replayer.post(reverse(f"admin:notifications_bulkreplay_{address}", args=[begun.pk])).status_code == 403
    assert replayer.get(CANCEL_ALL).status_code == 403
    assert canceller().get(REPLAY).status_code == 403
    assert states() == {"failed": 1, "pending": 1}


def test_what_a_list_does_not_show_is_not_cancelled_with_it() -> None:
    recipient = RecipientFactory()
    first, _ = publish_one(recipient), publish_one(recipient)
    chosen = {"action": "cancel_selected", "select_across": "1", "_selected_action": [str(first.pk)]}
    page = canceller().post(f"{MESSAGES}?status__exact=pending", chosen, follow=True)

    assert page.context["seen"].total == 1
    assert page.context["words"] == {"status": "pending"}


def test_a_list_that_ends_says_that_there_are_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST_LISTED", 2)
    for _ in range(3):
        publish_one(RecipientFactory())
    page = canceller().get(MESSAGES).content.decode()
    assert "more than 2 outbox messages" in page
    assert "All more than 2 selected" in page
