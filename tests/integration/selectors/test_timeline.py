"""How a message's life reads afterwards, and where it came from."""

from typing import Any

import pytest

from notifications import origin
from notifications.admin.references import link_of
from notifications.lifecycle import Permanent
from notifications.models import OutboxMessage
from notifications.operations.replay import cancel, replay
from notifications.policy.masking import hint
from notifications.selectors.timeline import timeline_of
from tests.factories.bookings import CustomerFactory, SlotFactory, client_of
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, drain

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_life_is_told_in_order() -> None:
    with origin.coming_from("request 4f0c"):
        message = publish_one(RecipientFactory())
    drain(RecordingChannel(answer=lambda outgoing: Permanent("twilio_21211", "Invalid number")))
    replay([message.pk], actor="ana", reason="number corrected")
    cancel([message.pk], actor="bob", reason="called off")
    told = [(event.what, event.by, event.detail) for event in timeline_of(OutboxMessage.objects.get(pk=message.pk))]
    assert told[0] == ("Written", "request 4f0c", "")
    assert told[1][0] == "Attempt: refused"
    assert told[1][1].endswith(f", to {hint(message.recipient.phone)}"), "where it went, shortened"
    assert told[1][2] == "Invalid number"
    assert told[2:] == [
        ("Replayed (had failed with twilio_21211)", "ana", "number corrected"),
        ("Cancelled", "bob", "called off"),
    ]


def test_a_request_is_on_record_with_what_it_publishes(payment_gateway: Any) -> None:
    api = client_of(CustomerFactory())
    order = api.post("/api/orders/", {"slot": SlotFactory().pk, "quantity": 1}).json()
    claim = payment_gateway.pay(order["order_id"])
    assert api.post("/api/payments/verify/", claim, headers={"X-Request-ID": "abc-1"}).status_code == 201
    assert set(OutboxMessage.objects.values_list("origin", flat=True)) == {"request abc-1"}
    reference = OutboxMessage.objects.values_list("reference", flat=True)[0]
    assert link_of(reference).startswith("/admin/bookings/booking/")
    assert link_of("parcel:7") == link_of("booking:") == link_of("") == ""
