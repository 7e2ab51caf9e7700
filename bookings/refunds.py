"""Refunds: recorded with their cause in one transaction, executed at the gateway after it, retried, never made twice.

A refund has succeeded when the gateway says so. Some take days: the gateway is asked again, by this module's runs and
when a webhook hints at news. The customer is told at the end. One that fails, or that the gateway goes on refusing,
ends as failed, with its reason, and staff are told (`staff.py`). A gateway that does not answer ends nothing.

The idempotency key is the refund's own, so that a try whose answer was lost cannot refund a second time. After a
refusal or a failure, which have certainly refunded nothing, it is another one: gateways answer a known key as before.
"""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from bookings import announcements
from bookings.errors import GatewayUnavailable, RefusedByGateway
from bookings.gateways import GatewayRefund, RefundState, gateway
from bookings.models import Payment, Refund
from notifications.protocol.not_now import is_not_now

TRY_SECONDS = 60  # while one process is at a refund, the others leave it alone for this long
LONGEST_PAUSE = timedelta(hours=1)  # between two tries
LONGEST_LOOK_PAUSE = timedelta(hours=6)  # between two questions about one that is pending
MOST_UNANSWERED = 3  # in one run
MOST_REFUSALS = 8  # over two hours: one may be for the moment, as when the merchant's balance is too low
MOST_ERROR = 500  # characters

log = logging.getLogger(__name__)


def request(payment: Payment, *, reason: str, amount: int | None = None) -> Refund:
    """Record within the caller's transaction that `payment` is to be given back: in full, or `amount` of it."""
    return Refund.objects.create(payment=payment, amount=payment.amount if amount is None else amount, reason=reason)


def execute_due(*, limit: int = 100, now: datetime | None = None) -> tuple[int, int]:
    """Go on with up to `limit` refunds that are due; returns how many succeeded, and how many failed at this try.

    Those that are pending at the gateway count as neither. Ends early when the gateway does not answer: the others need
    not find that out one by one. A refund that raises what nobody expected is reported and passed over.
    """
    succeeded = unanswered = failed = looked = 0
    while looked < limit and unanswered < MOST_UNANSWERED:
        refund = _take_one(now=now or timezone.now())
        if refund is None:
            break
        looked += 1
        try:
            status = _go_on(refund)
        except RefusedByGateway as refusal:
            _note(refund, refusal)
            failed += 1
        except GatewayUnavailable:
            unanswered += 1
        except Exception as error:
            if is_not_now(error):
                raise
            log.exception("%s raised an error and is passed over", refund)
            failed += 1
        else:
            succeeded += status == Refund.Status.SUCCEEDED
            failed += status == Refund.Status.FAILED
    return succeeded, unanswered + failed


def look_at(*, gateway_name: str, payment_id: str, refund_id: str, now: datetime | None = None) -> bool:
    """Ask the gateway about a refund that an event hints at; False if it is none of ours. Raises GatewayUnavailable."""
    ours = Refund.objects.filter(payment__gateway=gateway_name).select_related("payment")
    refund = ours.filter(gateway_refund_id=refund_id).first()
    if refund is not None:
        paid = refund.payment
        _record(refund, gateway(gateway_name).fetch_refund(refund_id, payment_id=paid.payment_id))
        return True
    # One whose answer was lost has no id yet: its next try, under the same key, learns the id.
    soon = (now or timezone.now()) + timedelta(seconds=TRY_SECONDS)
    unanswered = ours.filter(payment__payment_id=payment_id, status=Refund.Status.REQUESTED, tries__gt=0)
    return unanswered.filter(next_try_at__gt=soon).update(next_try_at=soon) == 1 or unanswered.exists()


def start_again(refund_id: int, *, now: datetime | None = None) -> bool:
    """Have a refund that failed tried from the beginning; False if it has not failed."""
    failed = Refund.objects.filter(pk=refund_id, status=Refund.Status.FAILED)
    return (
        failed.update(
            status=Refund.Status.REQUESTED,
            tries=0,
            gateway_refund_id="",
            gateway_state="",
            staff_told_at=None,
            next_try_at=now or timezone.now(),
        )
        == 1
    )


@transaction.atomic
def _take_one(*, now: datetime) -> Refund | None:
    """The next due refund, put off at once: if this process dies, it is tried again after the pause."""
    unfinished = (Refund.Status.REQUESTED, Refund.Status.PENDING)
    due = Refund.objects.filter(status__in=unfinished, next_try_at__lte=now).order_by("next_try_at")
    refund = due.select_for_update(skip_locked=True, no_key=True).first()
    if refund is not None:
        refund.tries += 1
        refund.next_try_at = now + _pause(refund)
        refund.save(update_fields=["tries", "next_try_at"])
    return refund


def _pause(refund: Refund) -> timedelta:
    longest = LONGEST_LOOK_PAUSE if refund.status == Refund.Status.PENDING else LONGEST_PAUSE
    return min(timedelta(seconds=TRY_SECONDS << min(refund.tries - 1, 10)), longest)


def _go_on(refund: Refund) -> str:
    """Ask for the refund, or how it stands if that was done before; returns its status."""
    paid = refund.payment
    client = gateway(paid.gateway)
    if refund.status == Refund.Status.PENDING:
        told = client.fetch_refund(refund.gateway_refund_id, payment_id=paid.payment_id)
    else:
        told = client.refund(payment_id=paid.payment_id, amount=refund.amount, idempotency_key=_key(refund))
    return _record(refund, told)


@transaction.atomic
def _record(refund: Refund, told: GatewayRefund) -> str:
    """Write down what the gateway says of the refund now, and what follows; returns the refund's status."""
    current = Refund.objects.select_for_update(no_key=True, of=("self",)).select_related("payment").get(pk=refund.pk)
    if current.gateway_refund_id not in ("", told.refund_id):  # started again meanwhile: this is about the one before
        return current.status
    current.gateway_refund_id, current.gateway_state = told.refund_id, told.state.value
    match told.state:
        case RefundState.SUCCEEDED if current.status != Refund.Status.SUCCEEDED:
            current.status, current.succeeded_at, current.error = Refund.Status.SUCCEEDED, timezone.now(), ""
            announcements.payment_refunded(current)
        case RefundState.FAILED | RefundState.CANCELED if current.status != Refund.Status.FAILED:
            _fail(current, told.reason or f"The gateway says: {told.state.value}.")
        case RefundState.PENDING | RefundState.REQUIRES_ACTION | RefundState.UNKNOWN:
            if current.status == Refund.Status.REQUESTED:
                current.status, current.tries = Refund.Status.PENDING, 0
                current.error = ""
    current.save()
    return current.status


def _fail(refund: Refund, why: str) -> None:
    """No money has gone, or it has come back: the next try is another refund, under another key."""
    refund.status, refund.succeeded_at, refund.staff_told_at = Refund.Status.FAILED, None, None
    refund.error, refund.refusals = why[:MOST_ERROR], refund.refusals + 1
    log.error("%s needs a person: it failed at the gateway", refund)


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
