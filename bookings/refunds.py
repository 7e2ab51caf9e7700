"""Refunds: recorded with their cause in one transaction, executed at the gateway after it, retried, never made twice.

A refund has succeeded when the gateway says so. Some take days, so the gateway is asked again: by `execute_due`, and
when a webhook reports a change. The customer is notified once it has succeeded. A refund that fails, or that the
gateway keeps refusing, ends as failed with its reason, and staff are notified (`staff.py`). If the gateway does not
answer, the refund stays open.

Each refund has its own idempotency key, so a try whose answer was lost cannot refund a second time. After a refusal or
failure, which certainly refunded nothing, it gets a new key: gateways give a known key the same answer again.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from bookings import announcements
from bookings.errors import GatewayUnavailable, RefusedByGateway
from bookings.gateways import GatewayRefund, RefundState, gateway
from bookings.models import Payment, Refund
from notifications.protocol.database_errors import is_not_now

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

    Those that are pending at the gateway count as neither. Ends early when the gateway does not answer, so that not
    every refund waits for a timeout. A refund that raises an unexpected error is logged and skipped.
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
    """Ask the gateway about the refund that an event names; False if it is not ours. Raises GatewayUnavailable.

    `now`: when the event came. A refund whose id we never got is tried TRY_SECONDS after it, and no sooner, because a
    process may be at it; what the gateway says of a known one is recorded by the clock, as in `execute_due`.
    """
    ours = Refund.objects.filter(payment__gateway=gateway_name).select_related("payment")
    refund = ours.filter(gateway_refund_id=refund_id).first()
    if refund is not None:
        paid = refund.payment
        _record(refund, gateway(gateway_name).fetch_refund(refund_id, payment_id=paid.payment_id))
        return True
    # If our request's answer was lost, the refund has no id yet: the next try, with the same key, returns it.
    soon = (now or timezone.now()) + timedelta(seconds=TRY_SECONDS)
    unanswered = ours.filter(payment__payment_id=payment_id, status=Refund.Status.REQUESTED, tries__gt=0)
    return unanswered.filter(next_try_at__gt=soon).update(next_try_at=soon) == 1 or unanswered.exists()


@transaction.atomic
def start_again(
    refund_id: int, *, now: datetime | None = None, note: Callable[[Refund], object] = lambda _: None
) -> bool:
    """Have a refund that failed tried from the beginning, and tell `note`; False if it has not failed."""
    failed = Refund.objects.select_for_update(no_key=True).filter(pk=refund_id, status=Refund.Status.FAILED)
    refund = failed.first()
    if refund is None:
        return False
    failed.update(
        status=Refund.Status.REQUESTED,
        tries=0,
        gateway_refund_id="",
        gateway_state="",
        staff_told_at=None,
        next_try_at=now or timezone.now(),
    )
    note(refund)
    return True


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
    """Request the refund at the gateway, or fetch its state if that was done before; returns our status."""
    paid = refund.payment
    client = gateway(paid.gateway)
    if refund.status == Refund.Status.PENDING:
        state = client.fetch_refund(refund.gateway_refund_id, payment_id=paid.payment_id)
    else:
        state = client.refund(payment_id=paid.payment_id, amount=refund.amount, idempotency_key=_key(refund))
    return _record(refund, state)


@transaction.atomic
def _record(refund: Refund, answer: GatewayRefund) -> str:
    """Record the refund's state at the gateway, and what follows from it; returns the refund's status."""
    current = Refund.objects.select_for_update(no_key=True, of=("self",)).select_related("payment").get(pk=refund.pk)
    if current.gateway_refund_id not in ("", answer.refund_id):  # it was started again: this is an earlier one
        return current.status
    current.gateway_refund_id, current.gateway_state = answer.refund_id, answer.state.value
    match answer.state:
        case RefundState.SUCCEEDED if current.status != Refund.Status.SUCCEEDED:
            current.status, current.succeeded_at, current.error = Refund.Status.SUCCEEDED, timezone.now(), ""
            announcements.payment_refunded(current)
        case RefundState.FAILED | RefundState.CANCELED if current.status != Refund.Status.FAILED:
            _fail(current, answer.reason or f"The gateway says: {answer.state.value}.")
        case RefundState.PENDING | RefundState.REQUIRES_ACTION | RefundState.UNKNOWN:
            if current.status == Refund.Status.REQUESTED:
                current.status, current.tries = Refund.Status.PENDING, 0
                current.error = ""
    current.save()
    return current.status


def _fail(refund: Refund, why: str) -> None:
    """No money was sent, or it came back. The next try is a new refund, with a new key."""
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
