"""Money: a message keeps its route's price, costs are counted whoever is killed, and caps hold over all relays."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from notifications.channels.base import Charge as Told
from notifications.kinds import Kind
from notifications.lifecycle import Accepted, Outcome, Permanent, Reason, ReceiptStatus, Status, Unknown
from notifications.models import DeliveryAttempt, OutboxMessage, Receipt, SpendAllowance, Spending
from notifications.policy.routes import Route
from notifications.policy.spending import Charge, SpendCaps
from notifications.protocol import sql_spending
from notifications.receipts.count_usage import record_charge
from notifications.relay.messages import Settlement
from notifications.relay.spending import Spending as Caps
from tests.factories.notifications import RecipientFactory, publish, publish_one
from tests.stage.relay import HandRelay, RecordingChannel, drain, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
CAPS = SpendCaps({"US": Decimal("0.35")}, "USD")
PRICED: dict[str, Any] = {"routes": {"sms": [Route("sms", "only", prices={"*": Decimal("0.1")}, currency="USD")]}}


def to_america(count: int, **given: Any) -> None:
    for recipient in RecipientFactory.create_batch(count):
        publish(recipient, **given)


def run(channel: RecordingChannel, *, caps: SpendCaps = CAPS, **changes: Any) -> None:
    drain(channel, senders={"sms:only": channel}, spend_caps=caps, **(PRICED | changes))


def ends() -> dict[str, int]:
    return Counter(" ".join(row).strip() for row in OutboxMessage.objects.values_list("status", "error_code"))


def costs() -> list[tuple[Any, ...]]:
    rows = Spending.objects.values_list("channel", "route", "country", "currency", "estimates", "estimated")
    return [tuple(row) for row in rows]


def test_what_a_cap_holds_waits_beside_its_lane_until_the_day_is_over() -> None:
    to_america(5)
    channel = RecordingChannel()
    run(channel)

    assert ends() == {"sent": 3, "queued spend_cap": 2}
    assert len(channel.sent) == 3
    assert set(OutboxMessage.objects.filter(status="queued").values_list("lane", flat=True)) == {"(held)"}
    assert SpendAllowance.objects.get().taken == Decimal("0.3")
    assert {message.price for message in OutboxMessage.objects.filter(status="sent")} == {Decimal("0.1")}
    assert set(DeliveryAttempt.objects.values_list("price", "message__currency")) == {(Decimal("0.1"), "USD")}
    assert costs() == [("sms", "only", "US", "USD", 3, Decimal("0.3"))]


def test_codes_go_on_for_a_quarter_more_and_then_fail() -> None:
    to_america(4)
    to_america(3, kind=Kind("test.urgent", channels=("sms",), holds_code=True, lane="security"))
    run(RecordingChannel(), caps=SpendCaps({"*": Decimal("0.4")}, "USD"))
    assert ends() == {"sent": 5, "failed spend_cap": 2}


def test_what_was_certainly_not_accepted_is_given_back_and_what_is_unknown_is_not() -> None:
    answers: list[Outcome] = [Permanent("no", reason=Reason.OPTED_OUT)] * 3 + [Unknown("timeout")] * 9
    to_america(4)
    run(RecordingChannel(answer=lambda _: answers.pop(0)), caps=SpendCaps({"US": Decimal("0.4")}, "USD"))
    assert ends()["failed no"] == 3
    assert SpendAllowance.objects.get().taken == Decimal("0.1")


def test_two_relays_take_no_more_than_the_cap_together() -> None:
    to_america(30)
    caps = SpendCaps({"US": Decimal("1.05")}, "USD")
    channels = RecordingChannel(), RecordingChannel()
    given = [{"senders": {"sms:only": each}, "spend_caps": caps, "batch": 3} | PRICED for each in channels]
    with running_loop(channels[0], **given[0]), running_loop(channels[1], **given[1]):
        wait_until(lambda: not OutboxMessage.objects.filter(status__in=("pending", "sending")).exists())
    assert ends() == {"sent": 10, "queued spend_cap": 20}
    assert sum(len(channel.sent) for channel in channels) == 10


def test_without_caps_or_a_price_nothing_is_taken(hand_relay: Callable[..., HandRelay]) -> None:
    to_america(2)
    relay = hand_relay()
    claimed = relay.claim()
    assert Caps(CAPS).apply(relay.connection, claimed) == (claimed, [])
    priced = [each._replace(charge=Charge(Decimal(9), "USD", "US")) for each in claimed]
    assert Caps(SpendCaps()).apply(relay.connection, priced) == (priced, [])
    assert not SpendAllowance.objects.exists()


def test_a_told_price_takes_the_place_of_the_estimate_once() -> None:
    message = publish_one(RecipientFactory())
    run(RecordingChannel())
    attempt = DeliveryAttempt.objects.get()
    Receipt.objects.create(
        message=message,
        provider_id=attempt.provider_id,
        claim_number=attempt.claim_number,
        status=ReceiptStatus.DELIVERED,
    )
    for _ in range(2):
        record_charge(message.pk, attempt.provider_id, Told(Decimal("0.25"), "USD", 3))
    assert SpendAllowance.objects.get().taken == Decimal("0.25")
    summed = Spending.objects.values_list("route", "estimates", "estimated", "priced", "cost").order_by("id")
    assert [sum(column) for column in list(zip(*summed, strict=True))[1:]] == [0, 0, 1, Decimal("0.25")]
    assert {row[0] for row in summed} == {"only"}


def test_costs_of_a_dead_relay_are_counted_and_merged(hand_relay: Callable[..., HandRelay]) -> None:
    to_america(2)
    lost, other = hand_relay(), hand_relay()
    charge = Charge(Decimal("0.1"), "USD", "US")
    claimed = [each._replace(charge=charge, route="only") for each in lost.claim()]
    OutboxMessage.objects.update(route="only", price="0.1", currency="USD")
    sent = [_sent(each) for each in claimed]
    lost.settle(sent[0])
    lost.lease.beat(lost.connection, in_flight=1, counts=lost.tally.as_json())
    lost.settle(sent[1])
    lost.let_lease_run_out()
    assert other.declare_dead(lost) == [lost.lease.relay_id]
    other.count_departed()
    other.connection.execute(sql_spending.FOLD, {"most": 9})
    assert costs() == [("sms", "only", "US", "USD", 2, Decimal("0.2"))]
    assert Spending.objects.get().day == timezone.now().date()


def _sent(message: Any) -> Any:
    return Settlement(message, Status.SENT, 1, outcome=Accepted("yes"), began=-0.2, ended=-0.1, address=message.phone)
