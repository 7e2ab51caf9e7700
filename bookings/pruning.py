"""Forgets what is of no use any more."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from bookings.models import PaymentEvent

BATCH = 1000  # rows to a statement, so that none holds locks for long


def prune_payment_events(*, now: datetime | None = None) -> int:
    """Delete the events that webhooks told more than PAYMENT_EVENT_DAYS ago, batch by batch; returns how many.

    An event that is told again after that leads to one more look at its payment, and changes nothing.
    """
    latest = (now or timezone.now()) - timedelta(days=settings.PAYMENT_EVENT_DAYS)
    old = PaymentEvent.objects.filter(received_at__lt=latest).order_by("pk").values_list("pk", flat=True)
    pruned = 0
    while batch := list(old[:BATCH]):
        pruned += PaymentEvent.objects.filter(pk__in=batch).delete()[0]
    return pruned
