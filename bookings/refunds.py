"""Refunds: recorded with their cause in one transaction, executed at the gateway after it, retried, never twice.

The idempotency key is the refund's own, so that a try whose answer was lost cannot refund a second time.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from bookings import announcements
from bookings.errors import GatewayUnavailable
from bookings.gateways import gateway
from bookings.models import Payment, Refund

TRY_SECONDS = 60  # while one process is at a refund, the others leave it alone for this long
LONGEST_PAUSE = timedelta(hours=1)
MOST_UNANSWERED = 3  # in one run


def request(payment: Payment, *, reason: str, amount: int | None = None) -> Refund:
    """Record within the caller's transaction that `payment` is to be given back: in full, or `amount` of it."""
    return Refund.objects.create(payment=payment, amount=payment.amount if amount is None else amount, reason=reason)


def execute_due(*, limit: int = 100, now: datetime | None = None) -> tuple[int, int]:
    """Execute up to `limit` refunds that are due; returns how many succeeded and how many are to be tried again.

    Ends early when the gateway does not answer: the others need not find that out one by one.
    """
    succeeded = failed = 0
    while succeeded + failed < limit and failed < MOST_UNANSWERED:
        refund = _take_one(now=now or timezone.now())
        if refund is None:
            break
        try:
            _execute(refund)
        except GatewayUnavailable:
            failed += 1
        else:
            succeeded += 1
    return succeeded, failed


@transaction.atomic
def _take_one(*, now: datetime) -> Refund | None:
    """The next due refund, put off at once: if this process dies, it is tried again after the pause."""
    due = Refund.objects.filter(status=Refund.Status.REQUESTED, next_try_at__lte=now).order_by("next_try_at")
    refund = due.select_for_update(skip_locked=True, no_key=True).first()
    if refund is not None:
        refund.tries += 1
        refund.next_try_at = now + min(timedelta(seconds=TRY_SECONDS) * 2 ** min(refund.tries - 1, 10), LONGEST_PAUSE)
        refund.save(update_fields=["tries", "next_try_at"])
    return refund


def _execute(refund: Refund) -> None:
    paid = refund.payment
    given = gateway(paid.gateway).refund(
        payment_id=paid.payment_id, amount=refund.amount, idempotency_key=f"refund-{refund.pk}"
    )
    with transaction.atomic():
        current = Refund.objects.select_for_update(no_key=True).get(pk=refund.pk)
        if current.status == Refund.Status.REQUESTED:
            current.status, current.succeeded_at, current.gateway_refund_id = "succeeded", timezone.now(), given
            current.save(update_fields=["status", "succeeded_at", "gateway_refund_id"])
            announcements.payment_refunded(current)
