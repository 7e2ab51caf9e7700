"""Stripe's own edges: retries under one key, charges, units, the age of its signature, events that are none."""

import json
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


@pytest.mark.parametrize("named", ["pi_\x00", "pi_\ud800", "re_1", "", None, 5, ["pi_1"], "pi_" + "x" * 500])
@pytest.mark.parametrize("event", ["payment_intent.succeeded", "refund.failed"])
def test_an_event_whose_id_no_column_holds_is_none(stripe_stage: Stage, event: str, named: Any) -> None:
    """The database would refuse it with a 500, and Stripe would tell it for days."""
    about = {"id": named if event.startswith("payment") else str(named).replace("re_1", "pi_1")}
    body = json.dumps({"id": "evt_1", "type": event, "data": {"object": about}}).encode()
    with pytest.raises(UnreadableEvent):
        stripe_stage.client.read_event(body, stripe.headers_for(body))


@pytest.mark.parametrize("intent", ["pi_1", {"id": "pi_1"}], ids=["its id", "in full"])
def test_an_event_of_a_refund_names_its_intent_or_has_it_in_full(stripe_stage: Stage, intent: Any) -> None:
    about = {"id": "re_1", "payment_intent": intent}
    body = json.dumps({"id": "evt_1", "type": "refund.failed", "data": {"object": about}}).encode()
    event = stripe_stage.client.read_event(body, stripe.headers_for(body))
    assert (event.payment_id, event.refund_id) == ("pi_1", "re_1")
