"""Rows of logins, sessions, tokens, idempotency keys and rates go when they are of no use, and not before."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from bookings import pruning as bookings_pruning
from bookings.models import Order
from bookings.tokens import AccessToken, give_token
from config import pruning
from config.models import RequestRate
from tests.factories.bookings import CustomerFactory, SlotFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_has_ended_is_deleted_and_the_rest_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookings_pruning, "BATCH", 2)
    now = timezone.now()
    for days in (0, 29, 31, 400, 401, 402):
        attempt = AccessAttempt.objects.create(username=f"ann{days}", ip_address="192.0.2.1", failures_since_start=1)
        AccessAttempt.objects.filter(pk=attempt.pk).update(attempt_time=now - timedelta(days=days))
        Session.objects.create(session_key=f"s{days}", expire_date=now + timedelta(days=30.5 - days))
        RequestRate.objects.create(key=f"k{days}", whole_at=now + timedelta(days=29.5 - days))

    assert pruning.prune_logins(now=now) == "4 failed logins, 4 sessions forgotten"
    assert pruning.prune_rates(now=now) == "4 request rates forgotten"
    assert [each.objects.count() for each in (AccessAttempt, Session, RequestRate)] == [2, 2, 2]
    assert pruning.prune_logins(now=now) == "0 failed logins, 0 sessions forgotten"


def test_a_lock_outlives_no_pruning() -> None:
    assert settings.LOGIN_RECORD_DAYS * 24 * 60 > settings.LOGIN_LOCK_MINUTES


def test_tokens_that_have_ended_go() -> None:
    now = timezone.now()
    give_token(CustomerFactory(), now=now - timedelta(days=31))
    give_token(CustomerFactory(), now=now)

    assert bookings_pruning.prune_tokens(now=now) == 1
    assert AccessToken.objects.count() == 1


def test_an_orders_key_goes_and_the_order_stays() -> None:
    now, slot, customer = timezone.now(), SlotFactory(), CustomerFactory()
    for days in (29, 31):
        Order.objects.create(
            user=customer,
            slot=slot,
            quantity=1,
            amount=1,
            currency="EUR",
            hold_expires_at=now,
            gateway="sandbox",
            gateway_order_id=f"order_{days}",
            idempotency_key=f"key {days}",
            created_at=now - timedelta(days=days),
        )

    assert bookings_pruning.prune_idempotency_keys(now=now) == 1
    assert list(Order.objects.order_by("pk").values_list("idempotency_key", flat=True)) == ["key 29", ""]
