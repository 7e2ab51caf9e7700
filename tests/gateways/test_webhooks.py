"""POST /webhooks/payments/<gateway>/: the right status each, and nothing changed twice. Real HTTP to a real server."""

import json
from typing import Any

import pytest
import requests
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from bookings import cancellation, orders, refunds, verification
from bookings.models import Booking, Order, Payment, PaymentEvent, Refund, Slot
from notifications.models import OutboxMessage
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.gateways.conftest import Stage
from tests.stage import razorpay, stripe
from tests.stage.gateway import GatewayProcess
from tests.stage.localstripe import LocalStripe
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


class Webhook:
    """The address where one gateway posts its events."""

    def __init__(self, live_server: LiveServer, stage: Stage) -> None:
        self.stage = stage
        self.url = f"{live_server.url}/webhooks/payments/{stage.name}/"

    def post(self, body: bytes, headers: dict[str, str], *, kind: str = "application/json") -> requests.Response:
        return requests.post(self.url, data=body, headers={"Content-Type": kind} | headers, timeout=30)

    def tell(self, payment_id: str, **wishes: Any) -> requests.Response:
        return self.post(*self.stage.event(payment_id, **wishes))


@pytest.fixture
def webhook(live_server: LiveServer, full_stage: Stage, settings: Settings) -> Webhook:
    settings.PAYMENT_GATEWAY = full_stage.name
    return Webhook(live_server, full_stage)


@pytest.fixture
def order(webhook: Webhook) -> Order:
    return orders.open_order(user=CustomerFactory(), slot_id=SlotFactory().pk, quantity=2)


def written() -> dict[str, int]:
    counts = {each.__name__: each.objects.count() for each in (Payment, Booking, Refund, OutboxMessage, PaymentEvent)}
    return counts | {"seats": sum(Slot.objects.values_list("seats_taken", flat=True))}


def outcome(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["outcome"]


def kinds() -> set[str]:
    return set(OutboxMessage.objects.values_list("kind", flat=True))


def test_a_payment_nobody_else_told_of_becomes_a_booking(webhook: Webhook, order: Order) -> None:
    receipt = webhook.stage.pay(order.gateway_order_id)
    assert outcome(webhook.tell(receipt["payment_id"])) == (200, "handled")
    booking = Booking.objects.get()
    assert (booking.order_id, booking.payment.payment_id) == (order.pk, receipt["payment_id"])
    assert kinds() == {"booking.confirmed"}


def test_an_event_told_again_changes_nothing(webhook: Webhook, order: Order) -> None:
    event = webhook.stage.event(webhook.stage.pay(order.gateway_order_id)["payment_id"])
    webhook.post(*event)
    before = written()
    assert [outcome(webhook.post(*event)) for _ in range(3)] == [(200, "known")] * 3
    assert written() == before
    assert before["PaymentEvent"] == 1


def test_another_event_about_the_same_payment_changes_nothing_more(webhook: Webhook, order: Order) -> None:
    payment_id = webhook.stage.pay(order.gateway_order_id)["payment_id"]
    webhook.tell(payment_id, event_id="evt_1")
    before = written()
    assert outcome(webhook.tell(payment_id, event_id="evt_2")) == (200, "handled")
    assert written() == before | {"PaymentEvent": 2}


def test_the_client_and_then_the_webhook_make_one_booking(webhook: Webhook, order: Order) -> None:
    receipt = webhook.stage.pay(order.gateway_order_id)
    assert verification.verify(user=order.user, **receipt).is_new
    before = written()
    assert outcome(webhook.tell(receipt["payment_id"])) == (200, "handled")
    assert written() == before | {"PaymentEvent": 1}
    assert not verification.verify(user=order.user, **receipt).is_new


def test_a_wrong_signature_is_a_400_and_changes_nothing(webhook: Webhook, order: Order) -> None:
    body, headers = webhook.stage.event(webhook.stage.pay(order.gateway_order_id)["payment_id"])
    header = next(name for name in headers if name.endswith("Signature"))
    before = written()
    for wrong in ("", "0" * 64, "t=1,v1=" + "0" * 64):
        answer = webhook.post(body, headers | {header: wrong})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_signature")
    assert webhook.post(body + b" ", headers).status_code == 400
    assert written() == before


def test_an_unknown_event_is_passed_over(webhook: Webhook, order: Order) -> None:
    payment_id = webhook.stage.pay(order.gateway_order_id)["payment_id"]
    before = written()
    assert outcome(webhook.tell(payment_id, event="customer.created")) == (200, "ignored")
    assert written() == before


def test_an_event_about_an_order_that_is_not_ours_is_passed_over(webhook: Webhook) -> None:
    order_id = webhook.stage.client.create_order(reference="order:1", amount=1250, currency="EUR").order_id
    before = written()
    assert outcome(webhook.tell(webhook.stage.pay(order_id)["payment_id"])) == (200, "ignored")
    assert written() == before


def test_a_failed_payment_is_told_to_the_customer_once(webhook: Webhook, order: Order) -> None:
    payment_id = webhook.stage.pay(order.gateway_order_id, state="failed")["payment_id"]
    for event_id in ("evt_1", "evt_2", "evt_2"):
        assert webhook.tell(payment_id, event_id=event_id).status_code == 200
    assert OutboxMessage.objects.filter(kind="payment.failed").count() == 3  # one on each channel
    assert Booking.objects.count() == 0


def test_a_failure_that_is_told_after_the_payment_is_not_announced(webhook: Webhook, order: Order) -> None:
    failed = webhook.stage.event(webhook.stage.pay(order.gateway_order_id, state="failed")["payment_id"])
    paid = webhook.stage.event(webhook.stage.pay(order.gateway_order_id)["payment_id"])
    assert outcome(webhook.post(*paid)) == (200, "handled")
    assert outcome(webhook.post(*failed)) == (200, "handled")
    assert kinds() == {"booking.confirmed"}
    assert Booking.objects.count() == 1


@pytest.mark.parametrize("name", ["sandbox", "razorpay"])
@pytest.mark.parametrize("state", ["created", "authorized", "captured"])
def test_a_failure_is_not_announced_while_another_try_is_under_way(
    name: str, state: str, live_server: LiveServer, request: pytest.FixtureRequest, settings: Settings
) -> None:
    """Razorpay's form and the sandbox make each try a payment of its own."""
    stage = request.getfixturevalue(f"{name}_stage")
    settings.PAYMENT_GATEWAY = name
    webhook = Webhook(live_server, stage)
    order = orders.open_order(user=CustomerFactory(), slot_id=SlotFactory().pk, quantity=1)
    first = stage.pay(order.gateway_order_id, state="failed")["payment_id"]
    second = stage.pay(order.gateway_order_id, state=state)["payment_id"]
    assert outcome(webhook.tell(first)) == (200, "handled")
    assert kinds() == set()
    if state == "captured":
        assert outcome(webhook.tell(second)) == (200, "handled")
        assert kinds() == {"booking.confirmed"}


@pytest.mark.parametrize("status", ["requires_action", "requires_confirmation", "processing"])
def test_stripes_failure_is_not_announced_while_another_card_is_tried(
    live_server: LiveServer, stripe_stage: Stage, status: str
) -> None:
    webhook = Webhook(live_server, stripe_stage)
    order = orders.open_order(user=CustomerFactory(), slot_id=SlotFactory().pk, quantity=1)
    payment_id = stripe_stage.pay(order.gateway_order_id, state="failed")["payment_id"]
    failed = stripe_stage.event(payment_id)
    stripe_stage.stand_in.intents[payment_id]["status"] = status  # the error is of the card before
    assert outcome(webhook.post(*failed)) == (200, "handled")
    assert kinds() == set()


def test_an_event_that_comes_years_late_changes_nothing(webhook: Webhook, order: Order) -> None:
    """Long after its record was pruned and the booking cancelled and refunded."""
    event = webhook.stage.event(webhook.stage.pay(order.gateway_order_id)["payment_id"])
    assert outcome(webhook.post(*event)) == (200, "handled")
    cancellation.cancel(Booking.objects.get().pk)
    assert refunds.execute_due() == (1, 0)
    PaymentEvent.objects.all().delete()
    before = written()
    assert outcome(webhook.post(*event)) == (200, "handled")
    assert written() == before | {"PaymentEvent": 1}


def test_a_payment_for_another_amount_is_left_to_people(
    webhook: Webhook, order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    payment_id = webhook.stage.pay(order.gateway_order_id, amount=1)["payment_id"]
    assert outcome(webhook.tell(payment_id)) == (200, "handled")
    assert (Payment.objects.get().decision, Booking.objects.count()) == ("wanted", 0)
    assert "needs a person: amount_mismatch" in caplog.text


def test_a_late_payment_without_a_seat_left_is_refunded(webhook: Webhook) -> None:
    slot = SlotFactory(capacity=1)
    late = orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=1)
    Order.objects.update(hold_expires_at=timezone.now())
    orders.open_order(user=CustomerFactory(), slot_id=slot.pk, quantity=1)
    payment_id = webhook.stage.pay(late.gateway_order_id)["payment_id"]
    for event_id in ("evt_1", "evt_2"):
        assert outcome(webhook.tell(payment_id, event_id=event_id)) == (200, "handled")
    assert Refund.objects.get().reason == "sold_out"


def test_while_the_gateway_is_down_the_event_is_to_be_told_again(webhook: Webhook, order: Order) -> None:
    event = webhook.stage.event(webhook.stage.pay(order.gateway_order_id)["payment_id"])
    before = written()
    with webhook.stage.down():
        answer = webhook.post(*event)
    assert (answer.status_code, answer.json()["code"]) == (503, "gateway_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert written() == before
    assert outcome(webhook.post(*event)) == (200, "handled")
    assert Booking.objects.count() == 1


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_another_content_type_is_a_415(webhook: Webhook, order: Order, kind: str) -> None:
    event = webhook.stage.event(webhook.stage.pay(order.gateway_order_id)["payment_id"])
    assert webhook.post(*event, kind=kind).status_code == 415
    assert webhook.post(*event, kind="application/json; charset=utf-8").status_code == 200


@pytest.mark.parametrize("size", [256 * 1024 + 1, 1_000_000, 1_000_001, 2**20, 20_000_000])
def test_a_large_body_is_a_413(webhook: Webhook, size: int) -> None:
    answer = webhook.post(b" " * size, {})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_another_method_is_a_405(webhook: Webhook, method: str) -> None:
    answer = requests.request(method, webhook.url, timeout=10)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("name", ["razorpay", "paypal", "SANDBOX"])
def test_a_gateway_that_is_not_set_up_is_a_404(name: str, live_server: LiveServer) -> None:
    answer = requests.post(f"{live_server.url}/webhooks/payments/{name}/", json={}, timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_an_old_event_of_stripe_is_a_400(live_server: LiveServer, stripe_stage: Stage) -> None:
    webhook = Webhook(live_server, stripe_stage)
    order = orders.open_order(user=CustomerFactory(), slot_id=SlotFactory().pk, quantity=1)
    body, _ = stripe_stage.event(stripe_stage.pay(order.gateway_order_id)["payment_id"])
    assert webhook.post(body, stripe.headers_for(body, age=3600)).status_code == 400
    assert Booking.objects.count() == 0
    assert webhook.post(body, stripe.headers_for(body, age=60)).status_code == 200


@pytest.mark.parametrize("body", [b"", b"[" * 100_000, b"\xff\xfe", b"1" * 5000, b'{"a": NaN}', b'{"id": "\\u0000"}'])
def test_what_a_gateway_signed_but_is_no_event_is_a_400(
    live_server: LiveServer, stripe_stage: Stage, razorpay_stage: Stage, body: bytes
) -> None:
    signed = razorpay.headers_for(body, event_id="\x7f")
    assert Webhook(live_server, razorpay_stage).post(body, signed).status_code == 400
    signed = stripe.headers_for(body) if body != b"\xff\xfe" else {"Stripe-Signature": "t=1,v1=00"}
    assert Webhook(live_server, stripe_stage).post(body, signed).status_code == 400
    assert PaymentEvent.objects.count() == 0


def test_a_signed_in_browser_is_no_reason_to_be_heard(webhook: Webhook, order: Order, client: Any) -> None:
    """No session counts here, and no CSRF token is asked for."""
    client.force_login(User.objects.create_superuser("boss"))
    answer = client.post(webhook.url, json.dumps({}), content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_signature")


def test_the_sandbox_gateway_tells_by_itself(live_server: LiveServer, payment_gateway: GatewayProcess) -> None:
    order = orders.open_order(user=CustomerFactory(), slot_id=SlotFactory().pk, quantity=1)
    payment_gateway.tells(f"{live_server.url}/webhooks/payments/sandbox/")
    payment_gateway.pay(order.gateway_order_id)
    wait_until(PaymentEvent.objects.exists)
    assert Booking.objects.get().order_id == order.pk


def test_localstripe_tells_by_itself(
    live_server: LiveServer, localstripe_stage: Stage, local_stripe: LocalStripe
) -> None:
    order = orders.open_order(user=CustomerFactory(), slot_id=SlotFactory().pk, quantity=1)
    local_stripe.tell(f"{live_server.url}/webhooks/payments/stripe/", secret=stripe.WEBHOOK_SECRET)
    local_stripe.pay(order.gateway_order_id)
    wait_until(PaymentEvent.objects.exists)
    assert Booking.objects.get().order_id == order.pk
