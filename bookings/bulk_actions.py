"""What staff do to the rows of a list, one or all that match: cancel, decide, refund again, publish, copy, end, forget.

`notifications.operations.bulk_rows` does it row by row and keeps the record. Here is what it does to each.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Model

from bookings import cancellation, decisions, refunds, scheduled_tasks, series
from bookings.erasure import erase_customer
from bookings.errors import BookingError
from bookings.models import AccessToken, Booking, Customer, Payment, Refund, Setback, Slot
from bookings.scheduled_tasks import ScheduledTask
from bookings.staff_tokens import StaffToken
from notifications.operations.bulk_rows import Item, PassedOver, RowAction, deletion


def _cancel_booking(item: Item) -> str:
    cancelled: list[Model] = []
    with _refusals(f"Booking {item.row}"):
        cancellation.cancel(item.row, by_staff=True, note=_note(item, "booking", cancelled))
    if not cancelled:
        raise PassedOver(f"Booking {item.row} was cancelled before.")
    return f"Booking {item.row} is cancelled."


def _cancel_slot(item: Item) -> str:
    slot = _row(Slot, item)
    booked = cancellation.cancel_slot(slot.pk, note=_note(item, "slot"))
    return f"{slot} is cancelled: {booked} booking{'s'[: booked != 1]} refunded in full, their customers told."


def _copy_slot(item: Item) -> str:
    slot, until = _row(Slot, item), date.fromisoformat(item.words["until"])
    try:
        made = series.copy_weekly(slot.pk, until=until, is_published=bool(item.words["is_published"]))
    except series.TooManyCopies as error:
        raise PassedOver(f"{slot}: {error}") from None
    with transaction.atomic():
        item.note(f"slot:{slot.pk}", after={"slots": [copy.pk for copy in made]})
    return f"{slot}: {len(made)} slot{'s'[: len(made) != 1]} made."


def _show_slot(item: Item, *, is_published: bool) -> str:
    done = "published" if is_published else "hidden"
    with transaction.atomic():
        changed = Slot.objects.filter(pk=item.row, is_published=not is_published).update(is_published=is_published)
        if changed:
            item.note(f"slot:{item.row}")
    if not changed:
        raise PassedOver(f"Slot {item.row} was {done} before.")
    return f"Slot {item.row} is {done}."


def _decide(decide: Callable[..., Any], done: str, item: Item) -> str:
    payment = _row(Payment, item)
    with _refusals(f"Payment {payment}"):
        decide(payment.pk, note=_note(item, "payment"))
    return f"Payment {payment} {done}."


def _restart_refund(item: Item) -> str:
    if not refunds.start_again(item.row, note=_note(item, "refund")):
        raise PassedOver(f"Refund {item.row} has not failed.")
    return f"Refund {item.row} will be tried again within a minute."


def _end_token(model: type[Model], subject: str, item: Item) -> str:
    with transaction.atomic():
        token: Any = model._default_manager.select_for_update().filter(pk=item.row).first()
        if token is None:
            raise PassedOver(f"Token {item.row} has ended before.")
        item.note(subject.format(token=token))
        token.delete()
    return f"Token {item.row} is ended."


def _erase(item: Item) -> str:
    with _refusals(f"Account {item.row}"):
        forgotten = erase_customer(_row(Customer, item), actor=item.actor, reason=item.reason)
    again = " Messages are being sent just now: do it again in a minute." if forgotten.in_flight else ""
    return f"Account {item.row} is forgotten.{again}"


def _switch(switch: Callable[..., bool], done: str, item: Item) -> str:
    task = _row(ScheduledTask, item)
    if not switch(task.name, actor=item.actor, reason=item.reason):
        raise PassedOver(f"“{task.name}” was {done} already.")
    return f"“{task.name}” is {done}."


def _row(model: type[Model], item: Item) -> Any:
    """The item's row. Raises PassedOver if it is gone."""
    row = model._default_manager.filter(pk=item.row).first()
    if row is None:
        raise PassedOver(f"{str(model._meta.verbose_name).capitalize()} {item.row} is gone.")
    return row


def _note(item: Item, kind: str, noted: list[Model] | None = None) -> Callable[[Model], None]:
    """What writes the record within the transaction of the domain, and fills `noted`."""

    def note(row: Model) -> None:
        item.note(f"{kind}:{row.pk}")
        if noted is not None:
            noted.append(row)

    return note


@contextmanager
def _refusals(name: str) -> Iterator[None]:
    """What the domain refuses is passed over."""
    try:
        yield
    except BookingError as error:
        raise PassedOver(f"{name}: {error.message}") from None


CANCEL_BOOKINGS = RowAction(
    name="cancel_selected",
    verb="cancel_booking",
    model=Booking,
    permission="bookings.cancel_booking",
    description="Cancel selected bookings, and tell their customers",
    title="Cancel bookings",
    consequence="The seats are free again, and what the slot's rules give back is refunded. The customers are told.",
    done="cancelled",
    act=_cancel_booking,
)
CANCEL_SLOTS = RowAction(
    name="cancel_selected",
    verb="cancel_slot",
    model=Slot,
    permission="bookings.cancel_slot",
    description="Cancel selected slots, refund everyone booked and tell them",
    title="Cancel slots",
    consequence="Nobody can book these slots any more. Everyone booked is refunded in full and told.",
    done="cancelled",
    act=_cancel_slot,
)
COPY_SLOTS = RowAction(
    name="copy_weekly",
    verb="copy_slot",
    model=Slot,
    permission="bookings.add_slot",
    description="Copy selected slots every week until a day…",
    title="Copy every week",
    consequence="Each copy starts at the same time of the venue's clock. None is made twice.",
    done="copied",
    act=_copy_slot,
)
PUBLISH_SLOTS = RowAction(
    name="publish",
    verb="publish_slot",
    model=Slot,
    permission="bookings.change_slot",
    description="Publish selected slots",
    title="Publish slots",
    consequence="Customers see these slots, and can book them.",
    done="published",
    act=partial(_show_slot, is_published=True),
    is_asked=False,
)
HIDE_SLOTS = RowAction(
    name="hide",
    verb="hide_slot",
    model=Slot,
    permission="bookings.change_slot",
    description="Hide selected slots: they cannot be booked",
    title="Hide slots",
    consequence="Customers see these slots no more. What is booked stays booked.",
    done="hidden",
    act=partial(_show_slot, is_published=False),
    is_asked=False,
)
BOOK_PAYMENTS = RowAction(
    name="book_anyway",
    verb="book_payment",
    model=Payment,
    permission="bookings.decide_payment",
    description="Book anyway what selected payments of another amount are for",
    title="Book payment",
    consequence="What each payment is for is booked, and its customer is told.",
    done="booked",
    act=partial(_decide, decisions.book_anyway, "has booked, and its customer is told"),
)
REFUND_PAYMENTS = RowAction(
    name="give_back",
    verb="refund_payment",
    model=Payment,
    permission="bookings.decide_payment",
    description="Refund selected payments of another amount",
    title="Refund payment",
    consequence="Each payment is refunded in full.",
    done="refunded",
    act=partial(_decide, decisions.give_back, "is being refunded in full"),
)
RESTART_REFUNDS = RowAction(
    name="start_again",
    verb="restart_refund",
    model=Refund,
    permission="bookings.retry_refund",
    description="Start selected refunds that failed again",
    title="Start refunds again",
    consequence="The gateway is asked again, within a minute, to give the money back.",
    done="started again",
    act=_restart_refund,
)
END_TOKENS = RowAction(
    name="end_selected",
    verb="end_token",
    model=AccessToken,
    permission="bookings.delete_accesstoken",
    description="End selected tokens",
    title="End tokens",
    consequence="Whoever uses these tokens has to log in again.",
    done="ended",
    act=partial(_end_token, AccessToken, "user:{token.user_id} token:{token.pk}"),
)
END_STAFF_TOKENS = RowAction(
    name="end_selected",
    verb="end_token",
    model=StaffToken,
    permission="bookings.delete_stafftoken",
    description="End selected tokens",
    title="End tokens",
    consequence="Programs that use these tokens get no answer any more.",
    done="ended",
    act=partial(_end_token, StaffToken, "user:{token.user_id} staff token:{token.pk}"),
)
ERASE_CUSTOMERS = RowAction(
    name="erase_selected",
    verb="erase",
    model=Customer,
    permission="bookings.erase_customer",
    description="Forget selected customers",
    title="Forget customers",
    consequence="What we have of them is erased, but for orders, bookings and payments. This cannot be undone.",
    done="forgotten",
    act=_erase,
)
PAUSE_TASKS = RowAction(
    name="pause_selected",
    verb="pause_schedule",
    model=ScheduledTask,
    permission="bookings.pause_scheduledtask",
    description="Pause selected schedules",
    title="Pause schedules",
    consequence="These tasks no longer run until somebody resumes them. A run that has begun is finished.",
    done="paused",
    act=partial(_switch, scheduled_tasks.pause, "paused"),
)
RESUME_TASKS = RowAction(
    name="resume_selected",
    verb="resume_schedule",
    model=ScheduledTask,
    permission="bookings.pause_scheduledtask",
    description="Resume selected schedules",
    title="Resume schedules",
    consequence="These tasks run again, the first time at once. One run makes up for all that were missed.",
    done="resumed",
    act=partial(_switch, scheduled_tasks.resume, "resumed"),
)
DELETE_SLOTS = deletion(Slot, consequence="They are gone for good. Slots that anybody ever ordered are kept.")
DELETE_SETBACKS = deletion(Setback, consequence="Their rows are tried again at the next run.")

ALL = (
    *(CANCEL_BOOKINGS, CANCEL_SLOTS, COPY_SLOTS, PUBLISH_SLOTS, HIDE_SLOTS, BOOK_PAYMENTS, REFUND_PAYMENTS),
    *(RESTART_REFUNDS, END_TOKENS, END_STAFF_TOKENS, ERASE_CUSTOMERS, PAUSE_TASKS, RESUME_TASKS),
    *(DELETE_SLOTS, DELETE_SETBACKS),
)
