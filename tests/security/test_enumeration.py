"""What belongs to others cannot be told from what does not exist; names are not told from no names: test_logins."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from bookings.models import Booking
from tests.factories.bookings import CustomerFactory, client_of
from tests.stage.gateway import GatewayProcess

pytestmark = pytest.mark.django_db(transaction=True)

NOWHERE = 2_000_000_000


@pytest.fixture
def theirs(api: APIClient, order: dict[str, Any], payment_gateway: GatewayProcess) -> Booking:
    api.post("/api/payments/verify/", payment_gateway.pay(order["order_id"]))
    return Booking.objects.select_related("order").get()


def told(client: APIClient, method: str, address: str, body: Any = None) -> tuple[int, bytes]:
    answer = getattr(client, method)(address, body, format="json") if body else getattr(client, method)(address)
    return answer.status_code, answer.content


@pytest.mark.parametrize("address", ["/api/bookings/{}/", "/bookings/{}/", "/orders/{}/"])
def test_anothers_object_answers_as_one_that_is_not_there(theirs: Booking, address: str) -> None:
    stranger = client_of(CustomerFactory())
    stranger.force_login(CustomerFactory())
    pk = theirs.order_id if "orders" in address else theirs.pk

    assert told(stranger, "get", address.format(pk)) == told(stranger, "get", address.format(NOWHERE))
    assert told(stranger, "get", address.format(pk))[0] == 404


def test_anothers_booking_cannot_be_cancelled_nor_told(theirs: Booking) -> None:
    stranger = client_of(CustomerFactory())
    address = "/api/bookings/{}/cancel/"

    assert told(stranger, "post", address.format(theirs.pk)) == told(stranger, "post", address.format(NOWHERE))


def test_anothers_order_cannot_be_verified_nor_told(theirs: Booking) -> None:
    stranger = client_of(CustomerFactory())
    claim = {"payment_id": "pay_1234567890abcdef", "signature": "0" * 64}

    theirs_told, none_told = (
        told(stranger, "post", "/api/payments/verify/", claim | {"order_id": order_id})
        for order_id in (theirs.order.gateway_order_id, "order_0000000000000000")
    )

    assert theirs_told == none_told
