"""What the contract cannot say for all: bounded retries, time limits, refusals, Razorpay's and Stripe's own edges."""

import time
from typing import Any

import pytest
from pytest_django import Settings

from bookings.errors import GatewayUnavailable, InvalidSignature, RefusedByGateway
from bookings.gateways import EventKind, PaymentState, UnknownGateway, UnreadableEvent, gateway
from bookings.gateways.signing import sign
from tests.gateways.conftest import Stage
from tests.stage import razorpay, stripe


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


@pytest.mark.parametrize("name", ["razorpay", "stripe"])
def test_two_orders_of_one_reference_are_two(name: str, request: pytest.FixtureRequest) -> None:
    """A reference comes back after the database was made anew; the old order must not."""
    stage = request.getfixturevalue(f"{name}_stage")
    assert an_order(stage) != an_order(stage)


@pytest.mark.parametrize("status", [400, 401, 403, 409, 429, 500])
@pytest.mark.parametrize("name", ["razorpay", "stripe"])
def test_a_refusal_is_unavailability_and_on_record(
    name: str, status: int, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    stage = request.getfixturevalue(f"{name}_stage")
    payment_id = paid(stage)
    stage.stand_in.interruptions = [status] * 2
    with pytest.raises(GatewayUnavailable):
        stage.client.fetch_payment(payment_id)
    assert "refused" in caplog.text
    assert stripe.SECRET_KEY not in caplog.text
    assert razorpay.KEY_SECRET not in caplog.text


@pytest.mark.parametrize("name", ["razorpay", "stripe"])
def test_a_gateway_that_says_nothing_is_waited_for_as_long_as_was_set(
    name: str, request: pytest.FixtureRequest, settings: Settings
) -> None:
    stage = request.getfixturevalue(f"{name}_stage")
    payment_id = paid(stage)
    settings.PAYMENT_GATEWAY_TIMEOUT_SECONDS = 0.2
    began = time.monotonic()
    with stage.stand_in.lock, pytest.raises(GatewayUnavailable):
        stage.client.fetch_payment(payment_id)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("name", ["razorpay", "stripe"])
@pytest.mark.parametrize("dripping", ["headers", "body"])
def test_a_gateway_that_drips_its_answer_is_waited_for_no_longer(
    name: str, dripping: str, request: pytest.FixtureRequest, settings: Settings
) -> None:
    """Each byte comes well before a timeout that held for one read."""
    stage = request.getfixturevalue(f"{name}_stage")
    payment_id = paid(stage)
    settings.PAYMENT_GATEWAY_TIMEOUT_SECONDS = 0.3
    stage.stand_in.drips = dripping
    began = time.monotonic()
    with pytest.raises(GatewayUnavailable):
        stage.client.fetch_payment(payment_id)
    assert time.monotonic() - began < 1.5


def test_a_kept_connection_has_its_whole_time_again(razorpay_stage: Stage, settings: Settings) -> None:
    payment_id = paid(razorpay_stage)
    settings.PAYMENT_GATEWAY_TIMEOUT_SECONDS = 0.3
    razorpay_stage.stand_in.delay = 0.2
    for _ in range(4):
        assert razorpay_stage.client.fetch_payment(payment_id).state is PaymentState.CAPTURED
    assert razorpay_stage.stand_in.connections == 2, (
        "the test's settings made a client of its own; it keeps its connection"
    )


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


def test_a_gateway_without_its_secrets_is_unknown(settings: Settings) -> None:
    settings.RAZORPAY_KEY_ID = ""
    for name in ("razorpay", "paypal"):
        with pytest.raises(UnknownGateway, match=name):
            gateway(name)
