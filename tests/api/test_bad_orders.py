"""Orders that cannot be: each with a clear answer, and nothing written."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from bookings.models import Slot
from tests.api.problems import assert_problem
from tests.factories.bookings import SlotFactory
from tests.stage.gateway import GatewayProcess

Count = Callable[[], dict[str, int]]


class TestOrders:
    @pytest.mark.parametrize(
        "quantity", [0, -1, 1_000_000_000, "text", "", None, 1.5, "1.5", True, [1], {}, 10**30, "1" * 5000]
    )
    def test_an_impossible_quantity(self, api: APIClient, slot: Slot, everything_written: Count, quantity: Any) -> None:
        answer = api.post("/api/orders/", {"slot": slot.pk, "quantity": quantity})
        assert_problem(answer, 400, "invalid_input", "quantity")
        assert not any(everything_written().values())

    @pytest.mark.parametrize("unknown", [0, -1, 999_999, 10**30, "text", None, True, [], {}, 1.5])
    def test_an_unknown_slot(self, api: APIClient, everything_written: Count, unknown: Any) -> None:
        answer = api.post("/api/orders/", {"slot": unknown, "quantity": 1})
        assert_problem(answer, 400, "invalid_input", "slot")
        assert not any(everything_written().values())

    def test_every_wrong_field_is_named(self, api: APIClient) -> None:
        assert_problem(api.post("/api/orders/", {}), 400, "invalid_input", "quantity", "slot")

    def test_more_seats_than_are_left(
        self, api: APIClient, payment_gateway: GatewayProcess, everything_written: Count
    ) -> None:
        small = SlotFactory(capacity=3)
        body = assert_problem(api.post("/api/orders/", {"slot": small.pk, "quantity": 4}), 409, "not_enough_seats")
        assert "only 3 seats left" in body["detail"]
        assert not any(everything_written().values())

    def test_a_slot_that_has_started(self, api: APIClient, everything_written: Count) -> None:
        past = SlotFactory(starts_at="2020-01-01T00:00:00Z", ends_at="2020-01-01T01:00:00Z")
        assert_problem(api.post("/api/orders/", {"slot": past.pk, "quantity": 1}), 409, "slot_has_started")
        assert not any(everything_written().values())
