"""The admin: every page opens, support finds and replays a failed message, and only who may."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from bookings import orders, verification
from bookings.models import Booking, Slot
from notifications.lifecycle import Permanent
from notifications.models import OperatorAction, OutboxMessage
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.gateway import GatewayProcess
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGES = reverse("admin:notifications_outboxmessage_changelist")
REPLAY = reverse("admin:notifications_outboxmessage_replay")


def staff(*permissions: str) -> Client:
    """A member of staff with these permissions, signed in."""
    user = User.objects.create_user("support", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def failed() -> OutboxMessage:
    message = publish_one(RecipientFactory(), reference="booking:12")
    drain(RecordingChannel(answer=lambda outgoing: Permanent("twilio_21211", "Invalid 'To' phone number")))
    return message


def replay(client: Client, *messages: OutboxMessage, reason: str = "number corrected") -> str:
    """Select in the list, look at the preview, confirm."""
    chosen = {"action": "replay_selected", "_selected_action": [m.pk for m in messages]}
    seen = client.post(MESSAGES, chosen, follow=True)
    assert seen.status_code == 200
    if "as_of" not in seen.content.decode():
        return seen.content.decode()
    confirmed = {"ids": [m.pk for m in messages], "reason": reason, "as_of": seen.context["seen"].as_of.isoformat()}
    return client.post(REPLAY, confirmed, follow=True).content.decode()


def test_support_finds_a_failed_message_sees_why_and_replays_it(failed: OutboxMessage) -> None:
    client = staff("view_outboxmessage", "replay_outboxmessage")
    for search in (str(failed.pk), "booking:12", failed.recipient.phone, failed.recipient.email):
        assert "twilio_21211" in client.get(MESSAGES, {"q": search, "status__exact": "failed"}).content.decode()
    page = client.get(reverse("admin:notifications_outboxmessage_change", args=[failed.pk])).content.decode()
    assert "Invalid &#x27;To&#x27; phone number" in page
    assert "Replayed. The message goes next in its lane." in replay(client, failed)
    failed.refresh_from_db()
    assert failed.status == "pending"
    record = OperatorAction.objects.get()
    assert (record.actor, record.reason, record.error_code) == ("support", "number corrected", "twilio_21211")
    assert "there is nothing to replay" in replay(client, failed)


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


def test_who_may_only_look_cannot_replay(failed: OutboxMessage) -> None:
    client = staff("view_outboxmessage")
    assert "replay_selected" not in client.get(MESSAGES).content.decode()
    replay(client, failed)
    failed.refresh_from_db()
    assert failed.status == "failed"


def test_who_may_nothing_sees_nothing(failed: OutboxMessage) -> None:
    assert staff().get(MESSAGES).status_code == 403


def test_messages_cannot_be_written_by_hand(failed: OutboxMessage, admin_client: Client) -> None:
    change = reverse("admin:notifications_outboxmessage_change", args=[failed.pk])
    for address in (
        change,
        reverse("admin:notifications_outboxmessage_add"),
        reverse("admin:notifications_outboxmessage_delete", args=[failed.pk]),
    ):
        assert admin_client.post(address, {"status": "sent"}).status_code == 403
    failed.refresh_from_db()
    assert failed.status == "failed"


def test_every_page_opens(failed: OutboxMessage, admin_client: Client, payment_gateway: GatewayProcess) -> None:
    customer = CustomerFactory()
    order = orders.open_order(user=customer, slot_id=SlotFactory().pk, quantity=1)
    verification.verify(user=customer, **payment_gateway.pay(order.gateway_order_id))
    assert admin_client.get(reverse("admin:index")).status_code == 200
    for model, model_admin in admin.site._registry.items():
        names = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert admin_client.get(reverse(f"{names}_changelist"), {"q": "x"}).status_code == 200
        assert admin_client.get(reverse(f"{names}_changelist")).status_code == 200
        for row in model._default_manager.all()[:1]:
            assert admin_client.get(reverse(f"{names}_change", args=[row.pk])).status_code == 200, model_admin


def test_staff_cancel_bookings_and_the_customer_is_told(admin_client: Client, payment_gateway: GatewayProcess) -> None:
    customer = CustomerFactory()
    order = orders.open_order(user=customer, slot_id=SlotFactory().pk, quantity=1)
    booking = verification.verify(user=customer, **payment_gateway.pay(order.gateway_order_id)).booking
    action = {"action": "cancel_selected", "_selected_action": [booking.pk]}
    page = admin_client.post(reverse("admin:bookings_booking_changelist"), action, follow=True).content.decode()
    assert f"Booking {booking.pk} is cancelled." in page
    assert Booking.objects.get().status == "cancelled"
    assert Slot.objects.get().seats_taken == 0
    assert OutboxMessage.objects.filter(kind="booking.cancelled").count() == 3
