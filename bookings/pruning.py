"""Deletes rows that are of no use any more."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from bookings.models import PaymentEvent
from notifications.protocol.database_errors import is_not_now

BATCH = 1000  # rows to a statement, so that none holds locks for long

log = logging.getLogger(__name__)


def prune_payment_events(*, now: datetime | None = None) -> int:
    """Delete the events that were received more than PAYMENT_EVENT_DAYS ago, batch by batch; returns how many.

    An event that is delivered again after that leads to one more look at its payment, and changes nothing. A row that
    cannot be deleted is reported and left for the next run.
    """
    latest = (now or timezone.now()) - timedelta(days=settings.PAYMENT_EVENT_DAYS)
    old = PaymentEvent.objects.filter(received_at__lt=latest).order_by("pk").values_list("pk", flat=True)
    pruned, last = 0, 0
    while batch := list(old.filter(pk__gt=last)[:BATCH]):
        pruned += _delete(batch)
        last = batch[-1]
    return pruned


def _delete(batch: list[int]) -> int:
    """Delete the events of these ids: all at once, or one by one if one of them cannot be."""
    try:
        return PaymentEvent.objects.filter(pk__in=batch).delete()[0]
    except DatabaseError as error:
        if is_not_now(error):
            raise
        if len(batch) == 1:
            log.exception("Payment event %s cannot be deleted and is passed over", batch[0])
            return 0
    return sum(_delete([event]) for event in batch)
