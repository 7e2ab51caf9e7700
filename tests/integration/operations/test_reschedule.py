"""Messages for a moment: how they are published, moved and cancelled, and what staff see of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from notifications import kinds, outbox
from notifications.kinds import Kind
from notifications.lifecycle import HELD, Status
from notifications.models import OperatorAction, OutboxMessage
from notifications.operations.release_held import release_due
from notifications.selectors.lane import lane_page
from notifications.selectors.timeline import timeline_of
from notifications.selectors.waits import waits_of
from tests.factories.notifications import GREETING, RecipientFactory, publish, publish_one
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


def soon(hours: float = 1) -> datetime:
    return timezone.now() + hours * HOUR


def fresh(message: OutboxMessage) -> OutboxMessage:
    return OutboxMessage.objects.get(pk=message.pk)


def test_a_message_for_a_moment_waits_beside_the_lane() -> None:
    at = soon()
    message = publish_one(RecipientFactory(), send_at=at)

    assert (message.status, message.lane, message.send_at, message.next_attempt_at) == (Status.QUEUED, HELD, at, at)
    assert fresh(message).send_at == at
    assert [(wait.code, wait.until) for wait in waits_of(fresh(message))] == [("later", at)]


def test_many_may_be_published_for_a_moment() -> None:
    kinds.register(GREETING)
    at = soon()
    with transaction.atomic():
        outbox.publish_many(GREETING.name, RecipientFactory.create_batch(2), send_at=at)

    assert set(OutboxMessage.objects.values_list("lane", "status", "send_at")) == {(HELD, "queued", at)}


def test_a_moment_that_has_passed_means_now() -> None:
    message = publish_one(RecipientFactory(), send_at=soon(-1))

    assert (message.status, message.lane, message.send_at) == (Status.PENDING, "", None)


@pytest.mark.parametrize(
    "words",
    [
        {"send_at": datetime(2030, 1, 1)},  # noqa: DTZ001
        {"send_at": "2030-01-01"},
        {"send_at": datetime(2030, 1, 2, tzinfo=UTC), "expires_at": datetime(2030, 1, 1, tzinfo=UTC)},
    ],
)
def test_a_moment_that_cannot_be_is_refused(words: dict[str, Any]) -> None:
    with pytest.raises(outbox.InvalidMessage, match="send_at"):
        publish(RecipientFactory(), **words)
    with pytest.raises(outbox.InvalidMessage, match="send_at"), transaction.atomic():
        outbox.publish_many(GREETING.name, [RecipientFactory()], **words)

    assert not OutboxMessage.objects.exists()


def test_what_the_kind_says_of_expiry_counts_from_the_moment() -> None:
    kind = Kind("test.greeting", channels=("sms",), expires_after=HOUR)
    at = soon(5)

    assert publish_one(RecipientFactory(), kind=kind, send_at=at).expires_at == at + HOUR


def test_quiet_hours_count_when_it_is_due_and_not_when_it_is_published(settings: Settings) -> None:
    quiet = "-".join(f"{timezone.now() + change * HOUR:%H:%M}" for change in (-1, 2))
    kind = Kind("test.greeting", channels=("sms",), may_wait=True, quiet_hours=quiet)
    at = soon(3)
    message = publish_one(RecipientFactory(), kind=kind, send_at=at)
    assert message.next_attempt_at == at

    outbox.reschedule([message.pk], send_at=timezone.now())
    drain(RecordingChannel())

    held = fresh(message)
    assert (held.lane, [wait.code for wait in waits_of(held)]) == (HELD, ["quiet"]), "now the relay holds it"
    assert outbox.reschedule([message.pk], send_at=soon()) == [], "its moment has come and gone"


def test_it_is_cancelled_like_any_other() -> None:
    message = publish_one(RecipientFactory(), send_at=soon())

    assert outbox.cancel([message.pk]) == [message.pk]
    assert release_due(now=soon(2)) == 0


def test_it_is_moved_on_record_and_expires_as_long_after_it_as_before() -> None:
    message = publish_one(RecipientFactory(), send_at=soon(1), expires_at=soon(3))
    at = soon(10)

    assert outbox.reschedule([message.pk], send_at=at, actor="ann", reason="rain") == [message.pk]

    moved = fresh(message)
    assert message.send_at
    assert message.expires_at
    assert (moved.send_at, moved.next_attempt_at) == (at, at)
    assert moved.expires_at == message.expires_at + (at - message.send_at)
    assert release_due(now=soon(5)) == 0
    (action,) = OperatorAction.objects.all()
    assert (action.action, action.actor, action.reason) == ("reschedule", "ann", "rain")
    assert "Moved to another moment" in [event.what for event in timeline_of(moved)]


def test_moved_to_a_moment_that_has_passed_it_goes_now() -> None:
    recipient = RecipientFactory()
    message = publish_one(recipient, send_at=soon())
    before = publish_one(recipient)

    outbox.reschedule([message.pk], send_at=soon(-5))

    sms = RecordingChannel()
    drain(sms)
    assert [outgoing.message_id for outgoing in sms.sent] == [before.pk, message.pk], "its moment is that of the move"


@pytest.mark.parametrize("state", ["pending", "sent", "cancelled"])
def test_what_does_not_wait_for_a_moment_is_not_moved(state: str) -> None:
    message = publish_one(RecipientFactory(), **({"send_at": soon()} if state != "pending" else {}))
    if state == "sent":
        outbox.reschedule([message.pk], send_at=timezone.now())
        drain(RecordingChannel())
    if state == "cancelled":
        outbox.cancel([message.pk])
    before = fresh(message)

    assert outbox.reschedule([message.pk], send_at=soon(4)) == []
    assert fresh(message) == before
    assert fresh(message).send_at == before.send_at
    with pytest.raises(outbox.InvalidMessage):
        outbox.reschedule([message.pk], send_at=datetime(2030, 1, 1))  # noqa: DTZ001


def test_the_lanes_page_shows_the_order_in_which_they_go_and_what_is_held() -> None:
    recipient = RecipientFactory()
    head, waiting = publish_one(recipient), publish_one(recipient)
    late, early = (publish_one(recipient, send_at=soon(hours)) for hours in (2, 1))
    far = publish_one(recipient, send_at=soon(9))
    OutboxMessage.objects.filter(pk=waiting.pk).update(created_at=soon(1.5))
    release_due(now=soon(3))

    page = lane_page(recipient)
    assert [message.pk for message in page.unfinished] == [head.pk, early.pk, waiting.pk, late.pk]
    assert [message.pk for message in page.held] == [far.pk]
    assert "and 2 more" in waits_of(fresh(late))[0].words
    for place, message in enumerate((early, waiting, late)):
        behind = lane_page(recipient, after=message.pk).unfinished
        assert [each.pk for each in behind] == [early.pk, waiting.pk, late.pk][place + 1 :]


def test_staff_see_and_move_it_in_the_admin(client: Client) -> None:
    client.force_login(User.objects.create_superuser("staff"))
    message = publish_one(RecipientFactory(), send_at=soon())
    page = reverse("admin:notifications_outboxmessage_change", args=[message.pk])
    move = reverse("admin:notifications_outboxmessage_move", args=[message.pk])
    assert "is to be sent at" in client.get(page).content.decode()
    assert move in client.get(page).content.decode()
    assert (
        move in client.get(reverse("admin:notifications_recipient_lane", args=[message.recipient_id])).content.decode()
    )

    assert client.get(move).status_code == 200
    answer = client.post(move, {"send_at": "2031-05-01T10:00", "reason": "rain"}, follow=True)

    assert "The message is moved." in answer.content.decode()
    moved = fresh(message).send_at
    assert moved
    assert timezone.localtime(moved).strftime("%Y-%m-%d %H:%M") == "2031-05-01 10:00"
    outbox.cancel([message.pk])
    assert move not in client.get(page).content.decode()
    assert "nothing to move" in client.get(move).content.decode()
