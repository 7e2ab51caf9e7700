"""A customer is forgotten, or gets what we have of them. The outbox erases and exports its own part.

What the law wants kept stays: orders, bookings, payments and refunds, with amounts and moments, of an account without
a name. Unpaid orders end first, and their seats are free. A booking that is paid stays; no message is sent about it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from bookings.cancellation import end_hold
from bookings.errors import StaffAreNotErased
from bookings.models import AccessToken, Booking, Order, Payment, SignIn
from notifications import outbox

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows of each kind were changed or deleted. `in_flight`: messages that were being sent just then.

    `upcoming`: paid bookings of slots that have not started.
    """

    rows: Counter[str]
    in_flight: int
    upcoming: int


def erase_customer(
    user: User, *, actor: str, reason: str = "", dry_run: bool = False, now: datetime | None = None
) -> Forgotten:
    """Forget the customer, in one transaction; with `dry_run`, only find out what that would change.

    Twice is as good as once. Raises StaffAreNotErased.
    """
    with transaction.atomic():
        forgotten = _erase(user, actor=actor, reason=reason, now=now or timezone.now())
        if dry_run:
            transaction.set_rollback(True)
    return forgotten


def _erase(user: User, *, actor: str, reason: str, now: datetime) -> Forgotten:
    locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if locked.is_staff or locked.is_superuser:
        raise StaffAreNotErased
    rows: Counter[str] = Counter()
    unpaid = Order.objects.filter(user=locked, status=Order.Status.OPEN).order_by("pk")
    for order in list(unpaid.select_for_update(no_key=True)):  # all orders are locked before any slot
        end_hold(order.pk)
        rows["unpaid orders ended"] += 1
    named = Order.objects.filter(user=locked).exclude(idempotency_key="")
    rows["clients' names of orders"] = named.update(idempotency_key="")
    erased = outbox.erase(locked, actor=actor, reason=reason)
    rows.update(erased.rows)
    _erase_logins(locked, rows)
    _erase_account(locked, rows)
    upcoming = Booking.objects.filter(user=locked, status=Booking.Status.CONFIRMED, slot__starts_at__gt=now).count()
    return Forgotten(+rows, erased.in_flight, upcoming)


def _erase_logins(user: User, rows: Counter[str]) -> None:
    rows["sessions"] = Session.objects.filter(pk__in=list(_sessions_of(user))).delete()[0]
    SignIn.objects.filter(user=user).delete()
    rows["tokens"] = AccessToken.objects.filter(user=user).delete()[0]
    for model in (AccessAttempt, AccessFailureLog, AccessLog):
        rows["records of logins"] += model.objects.filter(username__iexact=user.username).delete()[0]


def _sessions_of(user: User) -> Iterator[str]:
    """A session's user is in its data alone, so every session is read."""
    for session in Session.objects.order_by("pk").iterator(chunk_size=BATCH):
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            yield session.pk


def _erase_account(user: User, rows: Counter[str]) -> None:
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(User), object_id=str(user.pk)
    ).exclude(object_repr=_nobody(user), change_message="")
    rows["entries of the admin's log"] = entries.update(object_repr=_nobody(user), change_message="")
    rows["records of staff"] += outbox.erase_record_of(f"user:{user.pk}")
    user.groups.clear()
    user.user_permissions.clear()
    if user.is_active or user.username != _nobody(user) or user.email:
        user.username, user.first_name, user.last_name, user.email = _nobody(user), "", "", ""
        user.is_active, user.last_login = False, None
        user.set_unusable_password()
        user.save()
        rows["accounts"] = 1


def _nobody(user: User) -> str:
    return f"erased-{user.pk}"


def export_customer(user: User) -> dict[str, Any]:
    """Everything that we have of the customer, as plain values."""
    account = ("username", "first_name", "last_name", "email", "date_joined", "last_login", "is_active")
    token = ("device", "created_at", "seen_at", "expires_at")
    browser = ("device", "since", "seen_at")
    order = ("id", "slot_id", "slot__title", "quantity", "amount", "currency", "status", "created_at")
    booking = ("id", "slot_id", "slot__title", "slot__starts_at", "quantity", "status", "created_at", "cancelled_at")
    payment = ("order_id", "gateway", "payment_id", "amount", "currency", "created_at")
    refund = ("refund__amount", "refund__status", "refund__created_at", "refund__succeeded_at")
    logins = AccessAttempt.objects.filter(username__iexact=user.username).order_by("pk")
    return {
        "account": {name: getattr(user, name) for name in account},
        "orders": list(Order.objects.filter(user=user).order_by("pk").values(*order)),
        "bookings": list(Booking.objects.filter(user=user).order_by("pk").values(*booking)),
        "payments": list(Payment.objects.filter(order__user=user).order_by("pk").values(*payment, *refund)),
        "tokens": list(AccessToken.objects.filter(user=user).order_by("pk").values(*token)),
        "browsers": list(SignIn.objects.filter(user=user).order_by("pk").values(*browser)),
        "failed_logins": list(logins.values("attempt_time", "ip_address", "user_agent", "failures_since_start")),
        "notifications": outbox.export(user),
    }
