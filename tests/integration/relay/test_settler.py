"""A batch of outcomes is written though one of them cannot be."""

from collections.abc import Callable

import pytest

from notifications.lifecycle import Accepted, Status
from notifications.models import DeliveryAttempt, OutboxMessage
from notifications.relay.messages import Settlement
from notifications.relay.settler import Settler
from notifications.relay.tally import Tally
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import HandRelay

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_bad_settlement_does_not_hold_up_the_others(
    hand_relay: Callable[..., HandRelay], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        publish_one(RecipientFactory())
    relay, settler = hand_relay(), Settler(Tally())
    first, bad, last = relay.claim()
    outcomes = {first.id: "one", bad.id: "x" * 300, last.id: "three"}  # the column holds 255
    settler.add(
        Settlement(each, Status.SENT, 1, outcome=Accepted(outcomes[each.id]), began=0.0, ended=0.0)
        for each in (first, bad, last)
    )

    settler.settle(relay.connection, relay_id=relay.lease.relay_id)
    settler.report()

    assert settler.unsettled == []
    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"sent"}
    assert dict(DeliveryAttempt.objects.values_list("message_id", "code")) == {
        first.id: "",
        bad.id: "not_storable",
        last.id: "",
    }
    assert "settle.divided" in caplog.text
