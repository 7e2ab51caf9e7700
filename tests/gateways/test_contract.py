"""What every gateway must do, whoever it is: the sandbox as a process, Razorpay's and Stripe's stand-ins, localstripe.

A further gateway is one more parameter of `stage`.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from bookings.errors import GatewayUnavailable, InvalidSignature, RefusedByGateway
from bookings.gateways import EventKind, Gateway, GatewayPayment, PaymentState, RefundState, UnreadableEvent
from tests.gateways.conftest import Stage

NOBODYS = {"sandbox": "pay_0000", "razorpay": "pay_00000000000000", "stripe": "pi_00000000000000"}
NOBODYS_ORDER = {"sandbox": "order_0000", "razorpay": "order_00000000000000", "stripe": "pi_00000000000000"}
NOBODYS_REFUND = {"sandbox": "rfnd_0000", "razorpay": "rfnd_00000000000000", "stripe": "re_00000000000000"}
ODD_TEXTS = ("", " ", "|", "../..", "?", "pay_é", "pi_é", "\x00", "pay_A|pay_B", "x" * 100)


def an_order(stage: Stage, *, amount: int = 1250, currency: str = "EUR") -> str:
    return stage.client.create_order(reference="order:1", amount=amount, currency=currency).order_id


def test_an_order_can_be_paid_and_its_payment_fetched(stage: Stage) -> None:
    order_id = an_order(stage)
    receipt = stage.pay(order_id)
    payment = stage.client.fetch_payment(receipt["payment_id"])
    assert payment == GatewayPayment(receipt["payment_id"], order_id, PaymentState.CAPTURED, 1250, "EUR")
    assert len({order_id, an_order(stage)}) == 2


def test_the_checkout_says_what_a_client_needs(stage: Stage) -> None:
    opened = stage.client.create_order(reference="order:1", amount=1250, currency="EUR")
    assert opened.checkout["name"] == stage.name
    assert len(opened.checkout) > 1
    assert stage.client.checkout(opened.order_id) == opened.checkout


def test_its_own_signature_is_recognised_and_no_other(stage: Stage) -> None:
    receipt, other = stage.pay(an_order(stage)), stage.pay(an_order(stage))
    assert stage.client.has_signed(**receipt)
    for wrong in (other["signature"], receipt["signature"][:-1], "", "é", "\x00", receipt["signature"].swapcase()):
        assert not stage.client.has_signed(**receipt | {"signature": wrong})
    assert not stage.client.has_signed(**receipt | {"order_id": other["order_id"]})
    assert not stage.client.has_signed(**receipt | {"payment_id": other["payment_id"]})


@pytest.mark.parametrize("odd", ODD_TEXTS)
def test_odd_texts_are_neither_signed_nor_payments(stage: Stage, odd: str) -> None:
    receipt = stage.pay(an_order(stage))
    for field in receipt:
        assert not stage.client.has_signed(**receipt | {field: odd})
    if odd.isprintable() and odd not in ("", "../..", "?"):
        assert stage.client.fetch_payment(odd).state is PaymentState.UNKNOWN


def test_what_does_not_exist_is_unknown(stage: Stage) -> None:
    assert stage.client.fetch_payment(NOBODYS[stage.name]).state is PaymentState.UNKNOWN
    assert stage.client.payments_of(NOBODYS_ORDER[stage.name]) == []


def test_the_payments_of_an_order_are_listed_as_they_are_fetched(stage: Stage) -> None:
    order_id = an_order(stage)
    assert [each for each in stage.client.payments_of(order_id) if each.state is PaymentState.CAPTURED] == []
    receipt = stage.pay(order_id)
    assert stage.client.payments_of(order_id) == [stage.client.fetch_payment(receipt["payment_id"])]


def test_a_declined_payment_has_failed(stage: Stage) -> None:
    failed = stage.pay(an_order(stage), state="failed")
    assert stage.client.fetch_payment(failed["payment_id"]).state is PaymentState.FAILED


def test_after_a_declined_payment_the_order_can_be_paid(full_stage: Stage) -> None:
    order_id = an_order(full_stage)
    full_stage.pay(order_id, state="failed")
    paid = full_stage.pay(order_id)
    assert full_stage.client.fetch_payment(paid["payment_id"]).state is PaymentState.CAPTURED


def test_a_payment_that_is_only_authorised_is_not_captured(full_stage: Stage) -> None:
    receipt = full_stage.pay(an_order(full_stage), state="authorized")
    assert full_stage.client.fetch_payment(receipt["payment_id"]).state is PaymentState.AUTHORIZED


def test_another_amount_or_currency_is_seen(full_stage: Stage) -> None:
    receipt = full_stage.pay(an_order(full_stage), amount=1249, currency="USD")
    payment = full_stage.client.fetch_payment(receipt["payment_id"])
    assert (payment.amount, payment.currency) == (1249, "USD")


@pytest.mark.parametrize(("amount", "currency"), [(500, "JPY"), (12340, "KWD"), (2**40, "EUR"), (700, "ISK")])
def test_amounts_come_back_as_they_went_whatever_the_currency(full_stage: Stage, amount: int, currency: str) -> None:
    receipt = full_stage.pay(an_order(full_stage, amount=amount, currency=currency))
    payment = full_stage.client.fetch_payment(receipt["payment_id"])
    assert (payment.amount, payment.currency) == (amount, currency)


def test_a_full_refund_shows(stage: Stage) -> None:
    receipt = stage.pay(an_order(stage))
    made = stage.client.refund(payment_id=receipt["payment_id"], amount=1250, idempotency_key="refund-1")
    assert made.refund_id
    assert made.state is RefundState.SUCCEEDED
    assert stage.client.fetch_refund(made.refund_id, payment_id=receipt["payment_id"]) == made
    assert stage.refunded(receipt["payment_id"]) == 1250
    assert stage.client.fetch_payment(receipt["payment_id"]).state is PaymentState.REFUNDED


def test_the_same_key_refunds_once(full_stage: Stage) -> None:
    receipt = full_stage.pay(an_order(full_stage))
    wish = {"payment_id": receipt["payment_id"], "amount": 1250, "idempotency_key": "refund-1"}
    assert full_stage.client.refund(**wish) == full_stage.client.refund(**wish)
    assert full_stage.refunded(receipt["payment_id"]) == 1250
    other = full_stage.pay(an_order(full_stage))
    full_stage.client.refund(**wish | {"payment_id": other["payment_id"]})  # of another database, perhaps
    assert full_stage.refunded(other["payment_id"]) == 1250


def test_a_part_can_be_refunded(stage: Stage) -> None:
    receipt = stage.pay(an_order(stage))
    stage.client.refund(payment_id=receipt["payment_id"], amount=600, idempotency_key="refund-1")
    assert stage.refunded(receipt["payment_id"]) == 600
    assert stage.client.fetch_payment(receipt["payment_id"]).state is PaymentState.CAPTURED


def test_what_cannot_be_refunded_is_not_said_to_be(full_stage: Stage) -> None:
    receipt = full_stage.pay(an_order(full_stage), state="failed")
    with pytest.raises(RefusedByGateway) as refusal:
        full_stage.client.refund(payment_id=receipt["payment_id"], amount=1250, idempotency_key="refund-1")
    assert refusal.value.reason
    with full_stage.down(), pytest.raises(GatewayUnavailable) as silence:
        full_stage.client.refund(payment_id=receipt["payment_id"], amount=1250, idempotency_key="refund-1")
    assert not isinstance(silence.value, RefusedByGateway)


@pytest.mark.parametrize("name", ["paid", "failed"])
def test_events_name_their_payment(full_stage: Stage, name: str) -> None:
    receipt = full_stage.pay(an_order(full_stage), state="captured" if name == "paid" else name)
    body, headers = full_stage.event(receipt["payment_id"])
    event = full_stage.client.read_event(body, headers)
    assert (event.kind, event.order_id, event.payment_id) == (
        EventKind(name),
        receipt["order_id"],
        receipt["payment_id"],
    )
    assert full_stage.client.read_event(body, headers) == event


def test_an_event_that_means_nothing_here_is_other(full_stage: Stage) -> None:
    body, headers = full_stage.event(full_stage.pay(an_order(full_stage))["payment_id"], event="account.updated")
    assert full_stage.client.read_event(body, headers).kind is EventKind.OTHER


def test_an_event_that_the_gateway_did_not_sign_is_refused(full_stage: Stage) -> None:
    body, headers = full_stage.event(full_stage.pay(an_order(full_stage))["payment_id"])
    header = next(name for name in headers if name.endswith("Signature"))
    for wrong in ("", "é", "t=1,v1=0", "v1", "t=é,v1=é", "t=1,v1=é", headers[header][:-1]):
        with pytest.raises(InvalidSignature):
            full_stage.client.read_event(body, headers | {header: wrong})
    with pytest.raises(InvalidSignature):
        full_stage.client.read_event(body.replace(b"pay", b"pai") + b" ", headers)
    with pytest.raises(InvalidSignature):
        full_stage.client.read_event(body, {})


def test_a_body_that_is_no_text_is_refused(full_stage: Stage) -> None:
    with pytest.raises((InvalidSignature, UnreadableEvent)):
        full_stage.client.read_event(b"\xff\xfe{}", {})


def test_a_gateway_that_is_down_is_unavailable(full_stage: Stage) -> None:
    receipt = full_stage.pay(an_order(full_stage))
    calls = network_calls(full_stage.client, receipt)
    with full_stage.down():
        for call in calls:
            with pytest.raises(GatewayUnavailable):
                call()
    assert full_stage.client.fetch_payment(receipt["payment_id"]).state is PaymentState.CAPTURED


def test_a_gateway_that_nobody_reaches_is_unavailable(full_stage: Stage, settings: Any) -> None:
    receipt = full_stage.pay(an_order(full_stage))
    setting = {"sandbox": "SANDBOX_GATEWAY_URL"}.get(full_stage.name, f"{full_stage.name.upper()}_API_URL")
    setattr(settings, setting, "http://127.0.0.1:1")
    for call in network_calls(full_stage.client, receipt):
        with pytest.raises(GatewayUnavailable):
            call()


@pytest.mark.django_db
def test_nothing_goes_over_the_network_inside_a_transaction(stage: Stage) -> None:
    receipt = {"order_id": NOBODYS_ORDER[stage.name], "payment_id": NOBODYS[stage.name], "signature": "x"}
    for call in network_calls(stage.client, receipt):
        with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
            call()


def network_calls(client: Gateway, receipt: dict[str, str]) -> list[Callable[[], Any]]:
    return [
        lambda: client.create_order(reference="order:1", amount=1250, currency="EUR"),
        lambda: client.fetch_payment(receipt["payment_id"]),
        lambda: client.payments_of(receipt["order_id"]),
        lambda: client.refund(payment_id=receipt["payment_id"], amount=1250, idempotency_key="refund-1"),
        lambda: client.fetch_refund(NOBODYS_REFUND[client.name], payment_id=receipt["payment_id"]),
    ]
