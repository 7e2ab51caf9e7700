"""Checking people in: staff scan the code of a confirmation, which is the signed address of this booking's check-in.

Who scans it again sees when it was done. A booking that is cancelled, another slot's, or not on now, is not checked in,
and the answer says why.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from django.core import signing

from bookings.models import Booking
from bookings.transactions import in_transaction
from notifications import outbox
from notifications.shards import within_shard

SALT = "bookings.check-in"
VIEW = "admin:bookings_booking_check_in"
OPENS_BEFORE = timedelta(hours=12)  # before the start: people who come in the morning of the day


class InvalidTicket(Exception):
    """Nobody signed this code, or its booking is gone."""


class State(StrEnum):
    """What came of a check-in."""

    READY = "ready"  # nothing stands against it
    DONE = "done"
    ALREADY = "already"
    CANCELLED = "cancelled"
    OTHER_SLOT = "other_slot"
    TOO_EARLY = "too_early"
    TOO_LATE = "too_late"


class CheckIn(NamedTuple):
    """The booking, and what came of its check-in."""

    booking: Booking
    state: State


def link_of(booking: Booking) -> str:
    """The address that the booking's code leads to; empty without PUBLIC_URL."""
    return outbox.public_link(VIEW, _signer().sign(str(booking.pk)))


def look(token: str, *, slot_id: int | None = None, now: datetime) -> CheckIn:
    """What a check-in would come to; it changes nothing. Raises InvalidTicket."""
    booking = Booking.objects.select_related("slot", "user").filter(pk=_read(token)).first()
    if booking is None:
        raise InvalidTicket
    return CheckIn(booking, _state(booking, slot_id=slot_id, now=now))


def check_in(
    token: str, *, slot_id: int | None = None, now: datetime, note: Callable[[Booking], object] = lambda _: None
) -> CheckIn:
    """Check the booking of `token` in, once. `slot_id`: the slot at whose door staff stand, if they have said so.

    `note` is told within the transaction of one that was not checked in before. Raises InvalidTicket.
    """
    return in_transaction(partial(_check_in, _read(token), slot_id=slot_id, now=now, note=note))


def _check_in(booking_id: int, *, slot_id: int | None, now: datetime, note: Callable[[Booking], object]) -> CheckIn:
    rows = Booking.objects.select_for_update(no_key=True, of=("self",)).select_related("slot", "user")
    booking = rows.filter(pk=booking_id).first()
    if booking is None:
        raise InvalidTicket
    state = _state(booking, slot_id=slot_id, now=now)
    if state is not State.READY:
        return CheckIn(booking, state)
    booking.checked_in_at = now
    booking.save(update_fields=["checked_in_at"])
    note(booking)
    return CheckIn(booking, State.DONE)


def _state(booking: Booking, *, slot_id: int | None, now: datetime) -> State:
    if booking.status == Booking.Status.CANCELLED:
        return State.CANCELLED
    if slot_id is not None and booking.slot_id != slot_id:
        return State.OTHER_SLOT
    if booking.checked_in_at is not None:
        return State.ALREADY
    if now < booking.slot.starts_at - OPENS_BEFORE:
        return State.TOO_EARLY
    return State.TOO_LATE if now >= booking.slot.ends_at else State.READY


def _read(token: str) -> int:
    try:
        return int(_signer().unsign(token))
    except (signing.BadSignature, ValueError) as error:
        raise InvalidTicket from error


def _signer() -> signing.Signer:
    return signing.Signer(salt=within_shard(SALT))
