"""G1: a booking exists if and only if its messages exist. Nothing goes over the network inside the transaction."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from bookings import announcements, orders, verification
from bookings.gateways import gateway
from bookings.models import Booking, Order, Payment
from notifications.models import OutboxMessage, PublishedKey
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.gateway import GatewayProcess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paid(payment_gateway: GatewayProcess) -> tuple[Any, dict[str, str]]:
    """A customer, and what the gateway handed them for a paid order."""
    customer = CustomerFactory()
    order = orders.open_order(user=customer, slot_id=SlotFactory().pk, quantity=2)
    return customer, payment_gateway.pay(order.gateway_order_id)


def written() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in (Payment, Booking, OutboxMessage, PublishedKey)}


NOTHING = {"Payment": 0, "Booking": 0, "OutboxMessage": 0, "PublishedKey": 0}


def test_a_verified_payment_is_a_booking_and_its_messages(paid: tuple[Any, dict[str, str]]) -> None:
    customer, receipt = paid
    booking = verification.verify(user=customer, **receipt).booking
    assert written() == {"Payment": 1, "Booking": 1, "OutboxMessage": 3, "PublishedKey": 1}
    messages = OutboxMessage.objects.order_by("id")
    assert [(message.channel, message.status) for message in messages] == [
        ("sms", "pending"),
        ("whatsapp", "queued"),
        ("email", "queued"),
    ]
    assert {message.reference for message in messages} == {f"booking:{booking.pk}"}
    assert Order.objects.get().status == Order.Status.BOOKED


def _fail_before(original: Callable[..., Any]) -> Callable[..., Any]:
    def fail(*arguments: Any, **words: Any) -> Any:
        raise ConnectionError("on purpose")

    return fail


def _fail_after(original: Callable[..., Any]) -> Callable[..., Any]:
    def fail(*arguments: Any, **words: Any) -> Any:
        original(*arguments, **words)
        raise ConnectionError("on purpose")

    return fail


@pytest.mark.parametrize("breaks", [_fail_before, _fail_after])
@pytest.mark.parametrize(
    ("owner", "name"),
    [(verification, "_record"), (Order, "becomes"), (verification, "book"), (announcements, "booking_confirmed")],
)
def test_a_verification_that_breaks_off_leaves_nothing(
    paid: tuple[Any, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    breaks: Callable[..., Any],
) -> None:
    customer, receipt = paid
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, breaks(getattr(owner, name)))
        with pytest.raises(ConnectionError):
            verification.verify(user=customer, **receipt)
    assert written() == NOTHING
    assert Order.objects.get().status == Order.Status.OPEN
    assert verification.verify(user=customer, **receipt).is_new, "after the fix, the same payment goes through"


def test_a_message_that_cannot_be_written_takes_the_booking_with_it(paid: tuple[Any, dict[str, str]]) -> None:
    customer, receipt = paid
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE notifications_outboxmessage ADD CONSTRAINT no_email CHECK (channel <> 'email')")
    try:
        with pytest.raises(Exception, match="no_email"):
            verification.verify(user=customer, **receipt)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE notifications_outboxmessage DROP CONSTRAINT no_email")
    assert written() == NOTHING


def test_the_gateway_is_never_called_inside_a_transaction(paid: tuple[Any, dict[str, str]]) -> None:
    customer, receipt = paid
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        verification.verify(user=customer, **receipt)
    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        gateway().create_order(reference="r", amount=1, currency="EUR")
    assert written() == NOTHING


def test_verification_takes_at_most_twelve_queries(
    paid: tuple[Any, dict[str, str]], django_assert_max_num_queries: Callable[..., Any]
) -> None:
    customer, receipt = paid
    with django_assert_max_num_queries(12):
        verification.verify(user=customer, **receipt)
