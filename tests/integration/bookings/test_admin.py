"""The admin of both apps: every page opens, and staff cancel bookings."""

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from bookings import orders, verification
from bookings.models import Booking, Slot
from notifications.models import OutboxMessage
from tests.factories.bookings import CustomerFactory, SlotFactory
from tests.stage.gateway import GatewayProcess

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_page_opens(admin_client: Client, payment_gateway: GatewayProcess) -> None:
    customer = CustomerFactory()
    order = orders.open_order(user=customer, slot_id=SlotFactory().pk, quantity=1)
    verification.verify(user=customer, **payment_gateway.pay(order.gateway_order_id))
    assert admin_client.get(reverse("admin:index")).status_code == 200
    for model, model_admin in admin.site._registry.items():
        names = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert admin_client.get(reverse(f"{names}_changelist"), {"q": "x"}).status_code == 200
        assert admin_client.get(reverse(f"{names}_changelist")).status_code == 200
        for row in model._default_manager.all()[:1]:
            assert admin_client.get(reverse(f"{names}_change", args=[row.pk])).status_code == 200, model_admin


def test_staff_cancel_bookings_and_the_customer_is_told(admin_client: Client, payment_gateway: GatewayProcess) -> None:
    customer = CustomerFactory()
    order = orders.open_order(user=customer, slot_id=SlotFactory().pk, quantity=1)
    booking = verification.verify(user=customer, **payment_gateway.pay(order.gateway_order_id)).booking
    action = {"action": "cancel_selected", "_selected_action": [booking.pk], "reason": "they called"}
    page = admin_client.post(reverse("admin:bookings_booking_changelist"), action, follow=True).content.decode()
    assert f"Booking {booking.pk} is cancelled." in page
    assert Booking.objects.get().status == "cancelled"
    assert Slot.objects.get().seats_taken == 0
    assert OutboxMessage.objects.filter(kind="booking.cancelled").count() == 3
