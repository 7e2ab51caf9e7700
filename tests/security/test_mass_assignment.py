"""A body says what it is asked for; whatever else it says changes nothing."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from bookings.models import Booking, Order, Slot
from notifications.models import Recipient
from tests.factories.bookings import CustomerFactory
from tests.stage.gateway import GatewayProcess

pytestmark = pytest.mark.django_db(transaction=True)

PRIVILEGES = {"is_staff": True, "is_superuser": True, "groups": [1], "user_permissions": [1], "password": "mine now"}


def test_an_order_has_the_servers_price_owner_and_state(
    api: APIClient,
    customer: User,
    slot: Slot,
    payment_gateway: GatewayProcess,
) -> None:
    other = CustomerFactory()
    answer = api.post(
        "/api/orders/",
        {
            "slot": slot.pk,
            "quantity": 2,
            "amount": 1,
            "price": 1,
            "currency": "XXX",
            "user": other.pk,
            "user_id": other.pk,
            "status": "booked",
            "gateway": "none",
            "gateway_order_id": "order_mine",
            "hold_expires_at": "2099-01-01T00:00:00Z",
            "id": 4711,
        },
        format="json",
    )

    assert answer.status_code == 201
    made = Order.objects.get()
    assert (made.amount, made.currency, made.user, made.status) == (2 * slot.price, slot.currency, customer, "open")
    assert (made.pk, made.gateway_order_id) != (4711, "order_mine")
    assert made.hold_expires_at.year < 2099


def test_a_booking_belongs_to_who_verified_it(
    api: APIClient,
    customer: User,
    order: dict[str, Any],
    payment_gateway: GatewayProcess,
) -> None:
    claim = payment_gateway.pay(order["order_id"])
    more = {"user": CustomerFactory().pk, "amount": 1, "quantity": 100, "slot": 4711, "status": "cancelled"}

    assert api.post("/api/payments/verify/", claim | more, format="json").status_code == 201

    booking = Booking.objects.get()
    assert (booking.user, booking.quantity, booking.status) == (customer, 2, "confirmed")


def test_a_profile_takes_contact_details_and_nothing_else(api: APIClient, customer: User) -> None:
    before = User.objects.values().get(pk=customer.pk)
    api.get("/api/me/")
    recipient = Recipient.objects.get()
    more = {"username": "admin", "id": 1, "user": 1, "opt_outs": [], **PRIVILEGES}

    answer = api.patch("/api/me/", {"locale": "de", **more}, format="json")

    assert answer.status_code == 200, answer.content
    assert User.objects.values().get(pk=customer.pk) == before
    changed = Recipient.objects.get()
    assert (changed.pk, changed.user_id, changed.locale) == (recipient.pk, customer.pk, "de")


def test_a_login_makes_nobody_staff() -> None:
    User.objects.create_user("ann", password="a long pass phrase")
    body = PRIVILEGES | {"username": "ann", "password": "a long pass phrase"}
    assert APIClient().post("/api/auth/token/", body, format="json").status_code == 200

    ann = User.objects.get()
    assert (ann.is_staff, ann.is_superuser, ann.check_password("a long pass phrase")) == (False, False, True)
