"""Each gateway on stage: the real client on one side, what stands in the gateway's place on the other."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pytest_django import Settings

from bookings.gateways import Gateway, gateway
from bookings.gateways.signing import sign_body
from tests.stage import razorpay, stripe
from tests.stage.gateway import SECRET, GatewayProcess
from tests.stage.localstripe import SECRET_KEY, LocalStripe, running_localstripe


class Stage:
    """What the contract needs of a gateway's stand-in."""

    def __init__(self, name: str, stand_in: Any) -> None:
        self.name = name
        self.stand_in = stand_in

    @property
    def client(self) -> Gateway:
        return gateway(self.name)

    def pay(self, order_id: str, **wishes: Any) -> dict[str, str]:
        return self.stand_in.pay(order_id, **wishes)

    def event(self, payment_id: str, **wishes: Any) -> tuple[bytes, dict[str, str]]:
        return self.stand_in.event(payment_id, **wishes)

    def refunded(self, payment_id: str) -> int:
        return self.stand_in.refunded(payment_id)

    def refunds_are(self, state: str) -> None:
        """New refunds come to `state` (ours) at once."""
        self.stand_in.refund_state = self.words(state)

    def change_refund(self, refund_id: str, state: str) -> None:
        self.stand_in.change_refund(refund_id, self.words(state))

    def refund_event(self, refund_id: str, **wishes: Any) -> tuple[bytes, dict[str, str]]:
        return self.stand_in.refund_event(refund_id, **wishes)

    def words(self, state: str) -> str:
        """The gateway's word for a refund's state."""
        return {"succeeded": "processed"}.get(state, state) if self.name == "razorpay" else state

    @contextmanager
    def down(self) -> Iterator[None]:
        self.stand_in.is_down = True
        yield
        self.stand_in.is_down = False


class SandboxStage(Stage):
    def event(self, payment_id: str, *, event: str = "", event_id: str = "") -> tuple[bytes, dict[str, str]]:
        payment = self.client.fetch_payment(payment_id)
        told = {"id": event_id or f"evt_{payment_id}", "type": event or f"payment.{payment.state}"}
        body = json.dumps(told | {"order_id": payment.order_id, "payment_id": payment_id}).encode()
        return body, {"X-Sandbox-Signature": sign_body(SECRET.encode(), body)}

    def refunds_are(self, state: str) -> None:
        self.stand_in.is_in_the_mood(refund_state=state)

    def refund_event(self, refund_id: str, *, event_id: str = "") -> tuple[bytes, dict[str, str]]:
        refund = next(each for each in self.stand_in.refunds() if each["id"] == refund_id)
        told = {"id": event_id or f"evt_{refund_id}_{refund['state']}", "type": "refund.updated"}
        body = json.dumps(told | {"payment_id": refund["payment_id"], "refund_id": refund_id}).encode()
        return body, {"X-Sandbox-Signature": sign_body(SECRET.encode(), body)}

    def refunded(self, payment_id: str) -> int:
        given = [each for each in self.stand_in.refunds() if each["payment_id"] == payment_id]
        return sum(each["amount"] for each in given if each["state"] not in ("failed", "canceled"))

    @contextmanager
    def down(self) -> Iterator[None]:
        self.stand_in.is_in_the_mood(down=True)
        yield
        self.stand_in.is_in_the_mood()


@pytest.fixture(scope="session")
def local_stripe() -> Iterator[LocalStripe]:
    with running_localstripe() as server:
        yield server


@pytest.fixture
def sandbox_stage(payment_gateway: GatewayProcess) -> Stage:
    return SandboxStage("sandbox", payment_gateway)


@pytest.fixture
def razorpay_stage(settings: Settings) -> Iterator[Stage]:
    fake = razorpay.Razorpay()
    with fake.serving():
        settings.PAYMENT_GATEWAY = "razorpay"
        settings.RAZORPAY_API_URL = fake.url
        settings.RAZORPAY_KEY_ID, settings.RAZORPAY_KEY_SECRET = razorpay.KEY_ID, razorpay.KEY_SECRET
        settings.RAZORPAY_WEBHOOK_SECRET = razorpay.WEBHOOK_SECRET
        yield Stage("razorpay", fake)


@pytest.fixture
def stripe_stage(settings: Settings) -> Iterator[Stage]:
    fake = stripe.Stripe()
    with fake.serving():
        settings.PAYMENT_GATEWAY = "stripe"
        settings.STRIPE_API_URL, settings.STRIPE_SECRET_KEY = fake.url, stripe.SECRET_KEY
        settings.STRIPE_WEBHOOK_SECRET = stripe.WEBHOOK_SECRET
        yield Stage("stripe", fake)


@pytest.fixture
def localstripe_stage(settings: Settings, local_stripe: LocalStripe) -> Stage:
    settings.PAYMENT_GATEWAY = "stripe"
    settings.STRIPE_API_URL, settings.STRIPE_SECRET_KEY = local_stripe.url, SECRET_KEY
    settings.STRIPE_WEBHOOK_SECRET = stripe.WEBHOOK_SECRET
    return Stage("stripe", local_stripe)


@pytest.fixture(params=["sandbox", "razorpay", "stripe", "localstripe"])
def stage(request: pytest.FixtureRequest) -> Stage:
    """Every gateway in turn."""
    return request.getfixturevalue(f"{request.param}_stage")


@pytest.fixture(params=["sandbox", "razorpay", "stripe"])
def full_stage(request: pytest.FixtureRequest) -> Stage:
    """Every gateway whose stand-in can show everything; localstripe knows no idempotency keys, and is never down."""
    return request.getfixturevalue(f"{request.param}_stage")
