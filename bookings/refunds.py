"""Refunds: recorded with their cause in one transaction, executed at the gateway after it, retried, never twice.

One that the gateway goes on refusing ends as failed, with its reason, for staff to see and start again. A gateway that
does not answer at all ends nothing: the refund is tried until it does.

The idempotency key is the refund's own, so that a try whose answer was lost cannot refund a second time. After a
refusal, which has certainly refunded nothing, it is another one: gateways answer a known key as they did before.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from bookings import announcements
from bookings.errors import GatewayUnavailable, RefusedByGateway
from bookings.gateways import gateway
from bookings.models import Payment, Refund

TRY_SECONDS = 60  # while one process is at a refund, the others leave it alone for this long
LONGEST_PAUSE = timedelta(hours=1)
MOST_UNANSWERED = 3  # in one run
MOST_REFUSALS = 8  # over two hours: one may be for the moment, as when the merchant's balance is too low
MOST_ERROR = 500  # characters

log = logging.getLogger(__name__)


def request(payment: Payment, *, reason: str, amount: int | None = None) -> Refund:
    """Record within the caller's transaction that `payment` is to be given back: in full, or `amount` of it."""
    return Refund.objects.create(payment=payment, amount=payment.amount if amount is None else amount, reason=reason)


def execute_due(*, limit: int = 100, now: datetime | None = None) -> tuple[int, int]:
    """Execute up to `limit` refunds that are due; returns how many succeeded and how many did not.

    Ends early when the gateway does not answer: the others need not find that out one by one.
    """
    succeeded = unanswered = refused = 0
    while succeeded + unanswered + refused < limit and unanswered < MOST_UNANSWERED:
        refund = _take_one(now=now or timezone.now())
        if refund is None:
            break
        try:
            _execute(refund)
        except RefusedByGateway as refusal:
            _note(refund, refusal)
            refused += 1
        except GatewayUnavailable:
            unanswered += 1
        else:
            succeeded += 1
    return succeeded, unanswered + refused


def start_again(refund_id: int, *, now: datetime | None = None) -> bool:
    """Have a refund that failed tried from the beginning; False if it has not failed."""
    failed = Refund.objects.filter(pk=refund_id, status=Refund.Status.FAILED)
    return failed.update(status=Refund.Status.REQUESTED, tries=0, next_try_at=now or timezone.now()) == 1


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
    given = gateway(paid.gateway).refund(payment_id=paid.payment_id, amount=refund.amount, idempotency_key=_key(refund))
    with transaction.atomic():
        current = Refund.objects.select_for_update(no_key=True).get(pk=refund.pk)
        if current.status == Refund.Status.REQUESTED:
            current.status, current.succeeded_at, current.gateway_refund_id = "succeeded", timezone.now(), given
            current.error = ""
            current.save(update_fields=["status", "succeeded_at", "gateway_refund_id", "error"])
            announcements.payment_refunded(current)


def _key(refund: Refund) -> str:
    return f"refund-{refund.pk}" + (f"-{refund.refusals}" if refund.refusals else "")


def _note(refund: Refund, refusal: RefusedByGateway) -> None:
    """Write down why, and give up after every MOST_REFUSALS of them."""
    refund.refusals += 1
    refund.error = refusal.reason[:MOST_ERROR]
    if refund.refusals % MOST_REFUSALS == 0:
        refund.status = Refund.Status.FAILED
        log.error("%s needs a person: refused %s times", refund, refund.refusals)
    unfinished = Refund.objects.filter(pk=refund.pk, status=Refund.Status.REQUESTED)
    unfinished.update(status=refund.status, error=refund.error, refusals=refund.refusals)
