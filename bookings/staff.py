"""Payments and refunds that need a person: each is mailed to ADMINS once. Each was logged as an error when it arose.

The scheduler sends the mail, so that no payment waits for a mail server; if that fails, the next run tries again. The
mail names rows and links to the admin. It holds no customer's name or address.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from bookings.models import Payment, Refund
from notifications import outbox

MOST_TOLD = 50  # of each, in one mail
LONG_PENDING = timedelta(days=14)

log = logging.getLogger(__name__)


def tell(*, now: datetime | None = None) -> int:
    """Mail what staff have not been told yet; returns how many matters. Without ADMINS, log and admin show them."""
    at = now or timezone.now()
    payments = list(Payment.objects.filter(decision=Payment.Decision.WANTED, staff_told_at=None)[:MOST_TOLD])
    refunds = list(_refunds(now=at).select_related("payment")[:MOST_TOLD])
    if not (payments or refunds):
        return 0
    lines = [*map(_of_payment, payments), *map(_of_refund, refunds)]
    if not _mail(lines):
        return 0
    Payment.objects.filter(pk__in=[payment.pk for payment in payments]).update(staff_told_at=at)
    Refund.objects.filter(pk__in=[refund.pk for refund in refunds]).update(staff_told_at=at)
    return len(lines)


def _refunds(*, now: datetime) -> QuerySet[Refund]:
    is_stuck = Q(status=Refund.Status.PENDING, created_at__lt=now - LONG_PENDING)
    return Refund.objects.filter(Q(status=Refund.Status.FAILED) | is_stuck, staff_told_at=None)


def _of_payment(payment: Payment) -> str:
    paid = f"Payment {payment.payment_id} of order {payment.order_id} is {payment.amount} {payment.currency}"
    return f"{paid} (minor units), which is not the order's amount. Book it anyway, or refund it: {_admin(payment)}"


def _of_refund(refund: Refund) -> str:
    if refund.status == Refund.Status.PENDING:
        return f"Refund {refund.pk} has been pending for more than {LONG_PENDING.days} days: {_admin(refund)}"
    return f"Refund {refund.pk} has failed ({refund.error[:200]}). Start it again, or pay otherwise: {_admin(refund)}"


def _admin(row: Payment | Refund) -> str:
    page = f"admin:bookings_{row._meta.model_name}_change"
    return outbox.public_link(page, row.pk) or reverse(page, args=[row.pk])


def _mail(lines: list[str]) -> bool:
    addresses = [each if isinstance(each, str) else each[1] for each in settings.ADMINS]
    subject = f"Bookings: {len(lines)} {'matter needs' if len(lines) == 1 else 'matters need'} a person"
    try:
        if addresses:
            send_mail(subject, "\n\n".join(lines) + "\n", settings.SERVER_EMAIL, addresses)
    except OSError as error:  # smtplib's errors are OSErrors
        log.error("Staff could not be told of %s matters: %s", len(lines), type(error).__name__)  # noqa: TRY400
        return False
    return True
