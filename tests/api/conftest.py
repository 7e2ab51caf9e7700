"""What the API's tests share: a customer, a slot, and the real payment gateway behind the real client."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from bookings.models import Booking, Order, Payment, Refund, Slot
from notifications.models import OutboxMessage
from tests.factories.bookings import CustomerFactory, SlotFactory, client_of
from tests.stage.gateway import GatewayProcess


@pytest.fixture
def customer(transactional_db: None) -> Any:
    return CustomerFactory()


@pytest.fixture
def api(customer: Any) -> APIClient:
    return client_of(customer)


@pytest.fixture
def slot(transactional_db: None) -> Slot:
    return SlotFactory()


@pytest.fixture
def order(api: APIClient, slot: Slot, payment_gateway: GatewayProcess) -> dict[str, Any]:
    """An open order of two seats, as the API answered it."""
    answer = api.post("/api/orders/", {"slot": slot.pk, "quantity": 2})
    assert answer.status_code == 201, answer.content
    return answer.json()


@pytest.fixture
def everything_written(transactional_db: None) -> Any:
    """Counts every row that a request could write."""

    def count() -> dict[str, int]:
        counts = {model.__name__: model.objects.count() for model in (Order, Payment, Booking, Refund, OutboxMessage)}
        return counts | {"seats": sum(Slot.objects.values_list("seats_taken", flat=True))}

    return count
