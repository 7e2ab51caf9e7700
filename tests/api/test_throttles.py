"""How much anybody may ask: nobody in particular by address, customers each for themselves, verification less."""

from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from config import settings as configured
from config.rates import Rate
from tests.api.problems import assert_problem
from tests.factories.bookings import CustomerFactory, client_of

RATES = {name: Rate(most, 60) for name, most in {"anonymous": 2, "user": 5, "verify": 3, "login": 1}.items()}
CLAIM = {"order_id": "order_1", "payment_id": "pay_1", "signature": "forged"}
HOME, ELSEWHERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture(autouse=True)
def low_rates(transactional_db: None, settings: Settings) -> None:
    settings.RATES = settings.RATES | RATES


def statuses(client: APIClient, times: int, *, address: str = HOME) -> list[int]:
    return [client.get("/api/slots/", REMOTE_ADDR=address).status_code for _ in range(times)]


def verified(client: APIClient) -> Any:
    return client.post("/api/payments/verify/", CLAIM, format="json", REMOTE_ADDR=HOME)


def test_nobody_in_particular_is_counted_by_address() -> None:
    assert statuses(APIClient(), 3) == [200, 200, 429]
    assert statuses(APIClient(), 1, address=ELSEWHERE) == [200]


def test_customers_are_counted_each_alone_wherever_they_are() -> None:
    one, other = client_of(CustomerFactory()), client_of(CustomerFactory())
    assert statuses(one, 3) + statuses(one, 3, address=ELSEWHERE) == [200] * 5 + [429]
    assert statuses(other, 1) == [200], "a shared address is nobody's fault"


def test_verification_is_limited_tighter_and_says_when_to_come_back() -> None:
    one, other = client_of(CustomerFactory()), client_of(CustomerFactory())
    assert [verified(one).status_code for _ in range(3)] == [400] * 3
    refused = verified(one)
    assert_problem(refused, 429, "throttled")
    assert 0 < int(refused["Retry-After"]) <= 61
    assert statuses(one, 1) == [200], "the rest goes on"
    assert verified(other).status_code == 400


def test_the_rates_are_as_documented() -> None:
    rates = {"anonymous": 120, "user": 600, "verify": 60, "login": 20, "webhook": 12_000}
    assert {name: Rate(most, 60) for name, most in rates.items()} | {"code": Rate(30, 3600)} == configured.RATES
