"""Orders that nobody paid are deleted after their time; what was paid or booked stays."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from bookings import pruning
from bookings.models import Order
from tests.factories.bookings import CustomerFactory, SlotFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_only_what_lapsed_unpaid_long_ago_goes(settings: Settings) -> None:
    now, common = timezone.now(), {"quantity": 1, "amount": 1, "currency": "EUR", "user": CustomerFactory()}
    common |= {"slot": SlotFactory(), "hold_expires_at": now}
    old, young = now - timedelta(days=366), now - timedelta(days=364)
    lapsed, paid, _ = (
        Order.objects.create(status=status, created_at=moment, **common)
        for status, moment in (("lapsed", old), ("lapsed", old), ("lapsed", young))
    )
    Order.objects.create(status="open", created_at=old, **common)
    paid.payments.create(gateway="sandbox", payment_id="pay_1", amount=1, currency="EUR")
    settings.UNPAID_ORDER_DAYS = 0
    assert pruning.prune_unpaid_orders() == 0
    settings.UNPAID_ORDER_DAYS = 365
    assert pruning.prune_unpaid_orders() == 1
    assert not Order.objects.filter(pk=lapsed.pk).exists()
    assert Order.objects.count() == 3
