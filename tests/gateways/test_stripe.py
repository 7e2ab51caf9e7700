"""Stripe's own edges: retries under one key, charges, units, the age of its signature, events that are none."""

from typing import Any

import pytest

from bookings.errors import GatewayUnavailable, InvalidSignature, RefusedByGateway
from bookings.gateways import EventKind, PaymentState, UnreadableEvent
from tests.gateways.conftest import Stage
from tests.stage import stripe


def an_order(stage: Stage, **wishes: Any) -> str:
    wish = {"reference": "order:1", "amount": 1250, "currency": "EUR"} | wishes
    return stage.client.create_order(**wish).order_id


def paid(stage: Stage) -> str:
    return stage.pay(an_order(stage))["payment_id"]


@pytest.mark.parametrize("interruption", [503, None])
def test_stripe_is_asked_again_once_under_one_key(stripe_stage: Stage, interruption: int | None) -> None:
    fake = stripe_stage.stand_in
    fake.interruptions = [interruption]
    assert an_order(stripe_stage) in fake.intents
    assert fake.calls["POST"] == 2
    assert len({headers["idempotency-key"] for headers in fake.headers}) == 1
    fake.interruptions = [503, 503, 503]
    with pytest.raises(GatewayUnavailable):
        an_order(stripe_stage)
    assert fake.calls["POST"] == 4


def test_stripe_takes_a_charge_for_its_intent(stripe_stage: Stage) -> None:
    receipt = stripe_stage.pay(an_order(stripe_stage))
    charge = stripe_stage.stand_in.intents[receipt["order_id"]]["latest_charge"]
    assert stripe_stage.client.fetch_payment(charge) == stripe_stage.client.fetch_payment(receipt["payment_id"])
    assert stripe_stage.client.has_signed(**receipt | {"payment_id": charge})
    assert stripe_stage.client.fetch_payment("ch_nobodys").state is PaymentState.UNKNOWN


def test_stripe_is_asked_in_its_own_units(stripe_stage: Stage) -> None:
    intents = stripe_stage.stand_in.intents
    assert intents[an_order(stripe_stage, amount=700, currency="ISK")]["amount"] == 70000
    assert intents[an_order(stripe_stage, amount=700, currency="JPY")]["amount"] == 700
    assert intents[an_order(stripe_stage, amount=70000, currency="MGA")]["amount"] == 700
    receipt = stripe_stage.pay(an_order(stripe_stage, amount=700, currency="UGX"))
    stripe_stage.client.refund(payment_id=receipt["payment_id"], amount=350, idempotency_key="refund-1")
    assert stripe_stage.refunded(receipt["payment_id"]) == 35000


def test_what_stripe_was_paid_is_in_our_units_again(stripe_stage: Stage) -> None:
    for currency in ("EUR", "ISK", "UGX", "JPY", "MGA", "KWD"):
        payment_id = stripe_stage.pay(an_order(stripe_stage, amount=70000, currency=currency))["payment_id"]
        assert stripe_stage.client.fetch_payment(payment_id).amount == 70000, currency


def test_stripe_is_not_asked_for_a_fraction_that_it_cannot_count(stripe_stage: Stage) -> None:
    with pytest.raises(RefusedByGateway) as refused:
        an_order(stripe_stage, amount=70001, currency="MGA")
    assert "MGA" in refused.value.reason


@pytest.mark.parametrize(("age", "is_taken"), [(0, True), (290, True), (310, False), (10**9, False)])
def test_stripes_signature_must_be_young(stripe_stage: Stage, age: int, is_taken: bool) -> None:
    body, _ = stripe_stage.event(paid(stripe_stage))
    headers = stripe.headers_for(body, age=age)
    if is_taken:
        assert stripe_stage.client.read_event(body, headers).kind is EventKind.PAID
    else:
        with pytest.raises(InvalidSignature):
            stripe_stage.client.read_event(body, headers)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"{}", b"[]", b"[" * 100_000, b"1" * 5000, b'{"id": "x", "type": "payment_intent.succeeded"}'),
        b'{"id": "evt_1", "type": "payment_intent.succeeded", "data": 1}',
    ],
)
def test_what_stripe_signed_but_is_no_event_is_unreadable(stripe_stage: Stage, body: bytes) -> None:
    with pytest.raises(UnreadableEvent):
        stripe_stage.client.read_event(body, stripe.headers_for(body))
