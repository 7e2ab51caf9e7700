"""How long a gateway over HTTP is waited for, and what its refusals come to."""

import time
from typing import Any

import pytest
from pytest_django import Settings

from bookings.errors import GatewayUnavailable
from bookings.gateways import PaymentState
from tests.gateways.conftest import Stage
from tests.stage import razorpay, stripe


def an_order(stage: Stage, **wishes: Any) -> str:
    wish = {"reference": "order:1", "amount": 1250, "currency": "EUR"} | wishes
    return stage.client.create_order(**wish).order_id


def paid(stage: Stage) -> str:
    return stage.pay(an_order(stage))["payment_id"]


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
