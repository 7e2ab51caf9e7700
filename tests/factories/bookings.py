"""Customers, slots and orders for tests."""

from datetime import timedelta
from typing import Any

import factory
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from bookings.models import Booking, Order, Payment, Slot
from notifications import outbox


class CustomerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"customer{number}")
    email = factory.LazyAttribute(lambda customer: f"{customer.username}@example.com")

    @factory.post_generation
    def phone(self, create: bool, phone: str | None, **_: object) -> None:
        outbox.change_contact(self, phone="+14155550123" if phone is None else phone)


class SlotFactory(factory.django.DjangoModelFactory[Slot]):
    class Meta:
        model = Slot

    title = "Sunset kayak tour"
    starts_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=7))
    ends_at = factory.LazyAttribute(lambda slot: slot.starts_at + timedelta(hours=2))
    capacity = 10
    price = 1250
    currency = "EUR"


def client_of(customer: object) -> APIClient:
    """An API client that is signed in as `customer` and speaks JSON."""
    client = APIClient()
    client.force_authenticate(customer)
    client.default_format = "json"
    return client


def booking_of(user: User) -> Booking:
    """Two seats of a slot of its own, paid for by `user`."""
    slot = SlotFactory(seats_taken=2)
    money: dict[str, Any] = {"amount": 2500, "currency": "EUR"}
    now = timezone.now()
    order = Order.objects.create(
        user=user, slot=slot, quantity=2, status="booked", hold_expires_at=now, sweep_at=now, **money
    )
    payment = Payment.objects.create(order=order, gateway="sandbox", payment_id=f"pay_{order.pk}", **money)
    return Booking.objects.create(user=user, slot=slot, order=order, payment=payment, quantity=2)
