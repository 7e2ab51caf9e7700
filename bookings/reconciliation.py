"""The sweep: asks the gateway about unpaid orders. Some were paid and nobody reported it: the customer closed the tab,
and the webhook was lost. It ends where every report of a payment ends, in verification.confirm (G2).

An unpaid order is looked at about a dozen times in PAYMENT_SWEEP_HOURS, each time at about twice its age. The time of
the next look is written before the gateway is asked, so that sweeps side by side share the work, one that dies loses
nothing, and an order that raises an error does not come back at once. Booked orders are not looked at: gateways take
one payment for an order.

Customers take turns: nobody's unpaid orders, however many, delay somebody else's booking. Of one customer's orders the
likeliest payments come first: those that are open, then the latest.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from bookings import verification
from bookings.errors import AmountMismatch, GatewayUnavailable, InvalidSignature, OrderAlreadyPaid, SoldOut
from bookings.gateways import GatewayPayment, PaymentState, UnknownGateway, gateway
from bookings.models import Order
from bookings.setbacks import note_or_clear
from notifications.protocol.database_errors import is_not_now

SHORTEST_PAUSE = timedelta(minutes=1)
MOST_UNANSWERED = 3  # in one run: a gateway that does not answer is left alone until the next
LONGEST_RUN_SECONDS = 120  # the rest waits for the next run

GATEWAY_JOB = "ask the gateway"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Swept:
    """What a sweep came to: orders looked at, bookings and refunds that followed, questions without an answer.

    `passed_over` counts orders on which it raised what nobody expected.
    """

    orders: int = 0
    booked: int = 0
    refunded: int = 0
    unanswered: int = 0
    passed_over: int = 0

    def __str__(self) -> str:
        return f"{self.orders} orders: {self.booked} booked, {self.refunded} to refund, {self.unanswered} unanswered"


def run(*, now: datetime | None = None, limit: int = 100, clock: Callable[[], float] = time.monotonic) -> Swept:
    """Look at up to `limit` orders that are due. Safe to run twice and side by side."""
    at, began, swept = now or timezone.now(), clock(), Swept()
    for order_id in _in_turn(now=at)[:limit]:
        if swept.unanswered >= MOST_UNANSWERED or clock() - began >= LONGEST_RUN_SECONDS:
            break
        order = _take(order_id, now=at)
        if order is None:  # a sweep beside this one has it
            continue
        swept.orders += 1
        try:
            _sweep(order, swept, now=at)
        except Exception as error:
            if is_not_now(error):
                raise
            log.exception("%s raised an error and is passed over", order)
            swept.passed_over += 1
    if swept.orders:
        note_or_clear(GATEWAY_JOB, 0, _silence(swept), now=at)
    return swept


def _silence(swept: Swept) -> Exception | None:
    """That the gateway was asked, and answered nothing; staff see it among the setbacks, and on the board."""
    return GatewayUnavailable() if swept.unanswered and swept.unanswered == swept.orders else None


def _due(*, now: datetime) -> QuerySet[Order]:
    return Order.objects.filter(status__in=[Order.Status.OPEN, Order.Status.LAPSED], sweep_at__lte=now)


def _in_turn(*, now: datetime) -> QuerySet[Order, int]:
    """The ids of the orders that are due: one of each customer, then a second of each, and so on."""
    is_lapsed = Case(When(status=Order.Status.OPEN, then=Value(0)), default=Value(1))
    turn = Window(RowNumber(), partition_by="user_id", order_by=[is_lapsed, F("created_at").desc(), F("id").desc()])
    due = _due(now=now).annotate(turn=turn, is_lapsed=is_lapsed)
    return due.order_by("turn", "is_lapsed", "sweep_at", "id").values_list("pk", flat=True)


@transaction.atomic
def _take(order_id: int, *, now: datetime) -> Order | None:
    """The order, put off at once; None if somebody else has taken it."""
    order = _due(now=now).select_for_update(skip_locked=True, no_key=True).filter(pk=order_id).first()
    if order is not None:
        age = now - order.created_at
        is_over = age > timedelta(hours=settings.PAYMENT_SWEEP_HOURS)
        order.sweep_at = None if is_over else now + max(age, SHORTEST_PAUSE)
        order.save(update_fields=["sweep_at"])
    return order


def _sweep(order: Order, swept: Swept, *, now: datetime) -> None:
    if not order.gateway_order_id:  # the gateway never answered that it has it, so nobody could pay it
        return
    try:
        payments = gateway(order.gateway).payments_of(order.gateway_order_id)
    except UnknownGateway as error:
        log.error("%s cannot be looked at: %s", order, error)  # noqa: TRY400  (no bug)
    except GatewayUnavailable:
        swept.unanswered += 1
        Order.objects.filter(pk=order.pk).update(sweep_at=now + SHORTEST_PAUSE)
    else:
        for payment in payments:
            if payment.state is PaymentState.CAPTURED:
                _confirm(order, payment, swept, now=now)


def _confirm(order: Order, payment: GatewayPayment, swept: Swept, *, now: datetime) -> None:
    try:
        swept.booked += verification.confirm(order, payment, now=now).is_new
    except (SoldOut, OrderAlreadyPaid):
        swept.refunded += 1
    except AmountMismatch:  # on record, and staff are told
        pass
    except InvalidSignature as error:
        log.error("Payment %s of %s needs a person: %s", payment.payment_id, order, error.code)  # noqa: TRY400  (no bug)
