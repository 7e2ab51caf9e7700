"""Razorpay's own edges: when it is asked again, its ids, its events, and events that are none."""

from typing import Any

import pytest

from bookings.errors import GatewayUnavailable
from bookings.gateways import EventKind, PaymentState, UnreadableEvent
from bookings.gateways.signing import sign
from tests.gateways.conftest import Stage
from tests.stage import razorpay


def an_order(stage: Stage, **wishes: Any) -> str:
    wish = {"reference": "order:1", "amount": 1250, "currency": "EUR"} | wishes
    return stage.client.create_order(**wish).order_id


def paid(stage: Stage) -> str:
    return stage.pay(an_order(stage))["payment_id"]


def test_razorpay_is_asked_again_once_and_only_when_that_is_safe(razorpay_stage: Stage) -> None:
    fake, payment_id = razorpay_stage.stand_in, paid(razorpay_stage)
    fake.calls.clear()
    fake.interruptions = [503]
    assert razorpay_stage.client.fetch_payment(payment_id).state is PaymentState.CAPTURED
    assert fake.calls["GET"] == 2
    fake.interruptions = [503, 503, 503]
    with pytest.raises(GatewayUnavailable):
        razorpay_stage.client.fetch_payment(payment_id)
    assert fake.calls["GET"] == 4
    fake.interruptions = [503]
    with pytest.raises(GatewayUnavailable):
        razorpay_stage.client.refund(payment_id=payment_id, amount=1, idempotency_key="refund-1")
    assert fake.calls["POST"] == 1


def test_razorpay_is_asked_to_capture_at_once(razorpay_stage: Stage) -> None:
    assert razorpay_stage.stand_in.orders[an_order(razorpay_stage)]["capture"] == "automatic"


def test_the_bar_between_razorpays_ids_cannot_be_moved(razorpay_stage: Stage) -> None:
    """`order_A|pay_B` + `pay_C` are signed by the same bytes as `order_A` + `pay_B|pay_C`."""
    signature = sign(razorpay.KEY_SECRET.encode(), "order_A", "pay_B|pay_C")
    for order_id, payment_id in (("order_A", "pay_B|pay_C"), ("order_A|pay_B", "pay_C")):
        claim = {"order_id": order_id, "payment_id": payment_id, "signature": signature}
        assert not razorpay_stage.client.has_signed(**claim)


def test_razorpays_order_paid_is_the_same_payment(razorpay_stage: Stage) -> None:
    payment_id = paid(razorpay_stage)
    body, headers = razorpay_stage.event(payment_id, event="order.paid")
    event = razorpay_stage.client.read_event(body, headers)
    assert (event.kind, event.payment_id) == (EventKind.PAID, payment_id)


def test_razorpays_event_without_an_order_is_not_ours(razorpay_stage: Stage) -> None:
    """A payment link's, for one."""
    payment_id = paid(razorpay_stage)
    razorpay_stage.stand_in.payments[payment_id]["order_id"] = None
    assert razorpay_stage.client.read_event(*razorpay_stage.event(payment_id)).order_id == ""


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b"[" * 100_000, b"1" * 5000, b'{"event": "payment.captured"}'),
        b'{"event": "payment.captured", "payload": {"payment": {"entity": {"id": "x", "order_id": "y"}}}}',
    ],
)
def test_what_razorpay_signed_but_is_no_event_is_unreadable(razorpay_stage: Stage, body: bytes) -> None:
    with pytest.raises(UnreadableEvent):
        razorpay_stage.client.read_event(body, razorpay.headers_for(body, event_id="evt1"))


@pytest.mark.parametrize("event_id", ["", "\x00", "x" * 101, "é"])
def test_razorpays_event_needs_an_id(razorpay_stage: Stage, event_id: str) -> None:
    body, headers = razorpay_stage.event(paid(razorpay_stage))
    with pytest.raises(UnreadableEvent):
        razorpay_stage.client.read_event(body, headers | {"X-Razorpay-Event-Id": event_id})
