"""A batch of outcomes is written though one of them cannot be."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import transaction
from django.utils import timezone

from notifications.lifecycle import Accepted, Status, Transient
from notifications.models import DeliveryAttempt, OutboxMessage, Recipient
from notifications.relay import settler as settler_module
from notifications.relay.messages import Claimed, Settlement
from notifications.relay.settle import settle
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

    assert (settler.unsettled, settler.has_reports) == ([], True)
    settler.report()
    assert not settler.has_reports
    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"sent"}
    assert dict(DeliveryAttempt.objects.values_list("message_id", "code")) == {
        first.id: "",
        bad.id: "not_storable",
        last.id: "",
    }
    assert "settle.divided" in caplog.text


def sent(message: Claimed, provider_id: str = "yes") -> Settlement:
    return Settlement(message, Status.SENT, 1, outcome=Accepted(provider_id), began=0.0, ended=0.0)


@pytest.fixture
def claimed(hand_relay: Callable[..., HandRelay]) -> tuple[HandRelay, list[Claimed]]:
    for _ in range(3):
        publish_one(RecipientFactory())
    relay = hand_relay()
    return relay, relay.claim()


def test_of_a_batch_with_a_bad_one_what_has_to_wait_for_a_lane_stays_unsettled(
    claimed: tuple[HandRelay, list[Claimed]],
) -> None:
    relay, (first, bad, locked) = claimed
    settler = Settler(Tally())
    settler.add([sent(first), sent(bad, "x" * 300), sent(locked)])
    with transaction.atomic():
        Recipient.objects.select_for_update(no_key=True).get(pk=locked.recipient_id)
        settler.settle(relay.connection, relay_id=relay.lease.relay_id)
        assert [settlement.message for settlement in settler.unsettled] == [locked]
    settler.settle(relay.connection, relay_id=relay.lease.relay_id)
    assert set(OutboxMessage.objects.values_list("status", flat=True)) == {"sent"}


def test_a_bad_one_that_is_tried_again_waits_for_a_minute(claimed: tuple[HandRelay, list[Claimed]]) -> None:
    relay, (bad, *_) = claimed
    settler, before = Settler(Tally()), timezone.now()
    settler.add([Settlement(bad, Status.PENDING, 1, delay=0.0, outcome=Transient("x" * 300))])
    settler.settle(relay.connection, relay_id=relay.lease.relay_id)
    message = OutboxMessage.objects.get(pk=bad.id)
    assert message.status == "pending"
    assert message.next_attempt_at - before >= timedelta(seconds=60)


@pytest.mark.parametrize("errors", [[psycopg.OperationalError], [psycopg.DataError, psycopg.OperationalError]])
def test_a_database_that_goes_away_meanwhile_leaves_all_unsettled(
    claimed: tuple[HandRelay, list[Claimed]], monkeypatch: pytest.MonkeyPatch, errors: list[type[Exception]]
) -> None:
    """Whether at the whole batch, or once it is settled one by one: no settlement is at fault."""
    relay, messages = claimed
    coming = iter(errors)

    def fail_at_first(*given: Any, **words: Any) -> Any:
        if error := next(coming, None):
            raise error
        return settle(*given, **words)

    monkeypatch.setattr(settler_module, "settle", fail_at_first)
    settler = Settler(Tally())
    settler.add(map(sent, messages))
    with pytest.raises(psycopg.OperationalError):
        settler.settle(relay.connection, relay_id=relay.lease.relay_id)
    assert len(settler.unsettled) == 3
