"""What receipts and prices add to a month's usage: each copy once, whatever is reported how often."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone
from pytest_django import Settings

from notifications.channels.base import Charge, DeliveryReport
from notifications.lifecycle import Answer, ReceiptStatus, Status
from notifications.models import DeliveryAttempt, OutboxMessage, Receipt, Usage
from notifications.receipts.count_usage import record_charge
from notifications.receipts.poll import note_silent, poll
from notifications.receipts.record import MessageReport, record
from notifications.recipients.opt_outs import How, opt_in, opt_out
from tests.factories.notifications import RecipientFactory
from tests.stage.relay import RecordingChannel

pytestmark = pytest.mark.django_db
DELIVERED, UNDELIVERED, READ, SENT = (
    ReceiptStatus.DELIVERED,
    ReceiptStatus.UNDELIVERED,
    ReceiptStatus.READ,
    ReceiptStatus.SENT,
)
COST = Charge(Decimal("0.0158"), "USD", 2)


class TellingChannel(RecordingChannel):
    """A channel whose provider tells what the test wants."""

    can_look_up = tells_price = True

    def __init__(self, name: str, *says: Any) -> None:
        super().__init__(name)
        self.says = list(says)

    def look_up(self, provider_id: str, deadline: Any) -> Any:
        return self.says.pop(0)


@pytest.fixture
def message(settings: Settings) -> OutboxMessage:
    """Accepted two minutes ago, in the month before now, for somebody in Germany."""
    settings.OUTBOX_CHANNELS = {"sms": f"{__name__}.TellingChannel"}
    note_silent(["sms"])
    at = timezone.now() - timedelta(minutes=2)
    message = OutboxMessage.objects.create(
        recipient=RecipientFactory(phone="+14155550001"),
        kind="test.greeting",
        channel="sms",
        context={},
        status=Status.SENT,
        claim_number=1,
        finished_at=at.replace(year=2026, month=3, day=5),
        provider_id="a",
    )
    DeliveryAttempt.objects.create(
        message=message,
        claim_number=1,
        relay_id=1,
        ended_at=at,
        answer=Answer.ACCEPTED,
        provider_id="a",
        address="+4930901820",
    )
    return message


def tell(message: OutboxMessage, status: ReceiptStatus, provider_id: str = "a", **about: Any) -> None:
    about = {"claim_number": 1} | about
    record(MessageReport(message.pk, provider_id, DeliveryReport(status), **about), channels=["sms"])


def sums(*names: str) -> list[Any]:
    return [Usage.objects.aggregate(total=Sum(name))["total"] or 0 for name in names]


@pytest.mark.parametrize(
    ("reports", "delivered", "undelivered"),
    [
        ([SENT], 0, 0),
        ([DELIVERED], 1, 0),
        ([SENT, DELIVERED, DELIVERED, READ], 1, 0),
        ([UNDELIVERED, UNDELIVERED], 0, 1),
        ([UNDELIVERED, DELIVERED], 1, 0),
        ([DELIVERED, UNDELIVERED], 1, 0),
    ],
)
def test_each_copy_is_counted_once_where_it_ended(
    message: OutboxMessage, reports: list[ReceiptStatus], delivered: int, undelivered: int
) -> None:
    for report in reports:
        tell(message, report)
    assert sums("delivered", "undelivered") == [delivered, undelivered]


def test_a_copy_belongs_to_the_month_of_its_message_and_the_country_it_went_to(message: OutboxMessage) -> None:
    """The recipient has moved since; the attempt knows where it went."""
    tell(message, DELIVERED)
    row = Usage.objects.get()
    assert (f"{row.month:%Y-%m}", row.kind, row.channel, row.country) == ("2026-03", "test.greeting", "sms", "DE")
    assert sum(row.deliveries) == 1
    assert row.delivery_seconds == pytest.approx(120, abs=20)


def test_a_report_that_overtakes_the_relay_counts_for_this_month_and_the_recipients_country(
    message: OutboxMessage,
) -> None:
    DeliveryAttempt.objects.all().delete()
    OutboxMessage.objects.update(status=Status.CANCELLED, finished_at=timezone.now())
    tell(message, DELIVERED)
    row = Usage.objects.get()
    assert (row.country, row.delivered) == ("US", 1)


def test_when_somebody_had_to_ask_no_time_is_counted(message: OutboxMessage) -> None:
    tell(message, DELIVERED, was_asked=True)
    assert (sums("delivered"), sum(Usage.objects.get().deliveries)) == ([1], 0)


def test_a_price_is_kept_with_its_receipt_and_counted_once(message: OutboxMessage) -> None:
    tell(message, DELIVERED)
    for _ in range(2):
        record_charge(message.pk, "a", COST)
    record_charge(message.pk, "another", COST)
    receipt = Receipt.objects.get()
    assert (receipt.price, receipt.currency, receipt.segments) == (Decimal("0.0158"), "USD", 2)
    assert receipt.poll_at is None, "nothing is left to ask for"
    assert sums("priced", "segments", "cost") == [1, 2, Decimal("0.0158")]
    assert Usage.objects.get(currency="USD").country == "DE"


def test_the_poll_asks_for_the_price_of_what_was_delivered_until_it_is_told(message: OutboxMessage) -> None:
    """A callback has no price, and Twilio tells it some time after the message was sent."""
    tell(message, DELIVERED)
    assert Receipt.objects.get().poll_at is not None
    channel = TellingChannel("sms", DeliveryReport(DELIVERED), DeliveryReport(DELIVERED, charge=COST))
    for asked in (1, 1, 0):
        Receipt.objects.filter(poll_at__isnull=False).update(poll_at=timezone.now())
        assert poll({"sms": channel}, pause=lambda seconds: None).asked == asked
    assert sums("priced", "delivered") == [1, 1]


def test_nobody_is_asked_for_prices_where_that_is_off(message: OutboxMessage, settings: Settings) -> None:
    settings.OUTBOX_ASK_PRICES = False
    tell(message, DELIVERED)
    assert Receipt.objects.get().poll_at is None


def test_opt_outs_are_counted_and_opt_ins_are_not(message: OutboxMessage) -> None:
    recipient = message.recipient
    for _ in range(2):
        opt_out(recipient, channel="sms", how=How.STAFF)
    opt_in(recipient, channel="sms", how=How.STAFF)
    assert sums("opt_outs") == [1]
    assert (Usage.objects.get().kind, Usage.objects.get().channel) == ("", "sms")
