"""Deletes rows that are of no use any more."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, models
from django.utils import timezone

from bookings.models import Order, PaymentEvent
from bookings.tokens import AccessToken
from notifications.protocol.database_errors import is_not_now

BATCH = 1000  # rows to a statement, so that none holds locks for long

log = logging.getLogger(__name__)


def prune_payment_events(*, now: datetime | None = None) -> int:
    """Delete the events that were received more than PAYMENT_EVENT_DAYS ago; returns how many.

    An event that is delivered again after that leads to one more look at its payment, and changes nothing.
    """
    latest = (now or timezone.now()) - timedelta(days=settings.PAYMENT_EVENT_DAYS)
    return delete_in_batches(PaymentEvent.objects.filter(received_at__lt=latest))


def prune_tokens(*, now: datetime | None = None) -> int:
    """Delete the tokens that have ended; returns how many."""
    return delete_in_batches(AccessToken.objects.filter(expires_at__lte=now or timezone.now()))


def prune_idempotency_keys(*, now: datetime | None = None) -> int:
    """Forget the clients' names for orders that were made more than IDEMPOTENCY_KEY_DAYS ago; returns how many.

    The same key makes a new order after that.
    """
    latest = (now or timezone.now()) - timedelta(days=settings.IDEMPOTENCY_KEY_DAYS)
    old = Order.objects.filter(created_at__lt=latest).exclude(idempotency_key="")
    return sum(Order.objects.filter(pk__in=batch).update(idempotency_key="") for batch in _batches(old))


def delete_in_batches(rows: models.QuerySet[Any]) -> int:
    """Delete `rows`, batch by batch; returns how many. One that cannot be deleted is logged and left."""
    return sum(_delete(rows.model, batch) for batch in _batches(rows))


def _batches(rows: models.QuerySet[Any]) -> Iterator[list[Any]]:
    """The primary keys of `rows`, so many at a time, in order."""
    keys = rows.order_by("pk").values_list("pk", flat=True)
    rest = keys
    while batch := list(rest[:BATCH]):
        yield batch
        rest = keys.filter(pk__gt=batch[-1])


def _delete(model: type[models.Model], batch: list[Any]) -> int:
    """Delete the rows of these keys: all at once, or one by one if one of them cannot be."""
    try:
        return model._default_manager.filter(pk__in=batch).delete()[0]
    except DatabaseError as error:
        if is_not_now(error):
            raise
        if len(batch) == 1:
            log.exception("A row of %s cannot be deleted and is passed over", model._meta.label)
            return 0
    return sum(_delete(model, [key]) for key in batch)


def prune_unpaid_orders(*, now: datetime | None = None) -> int:
    """Delete orders that lapsed unpaid more than UNPAID_ORDER_DAYS ago, batch by batch; returns how many."""
    if not settings.UNPAID_ORDER_DAYS:
        return 0
    latest = (now or timezone.now()) - timedelta(days=settings.UNPAID_ORDER_DAYS)
    old = Order.objects.filter(status=Order.Status.LAPSED, created_at__lt=latest, payments=None, booking=None)
    pruned = 0
    while batch := list(old.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        pruned += Order.objects.filter(pk__in=batch, status=Order.Status.LAPSED).delete()[0]
    return pruned
