"""A customer's own changes of their name and contact details.

A new phone number or email address is used once the code that was sent there is confirmed.
"""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from bookings import guests
from bookings.errors import InvalidCode, LimitReached
from notifications import outbox, verification


def request_changes(customer: User, *, name: str | None = None, **changes: Any) -> outbox.Contact:
    """Change what the customer wishes, all or none; no `name`: it stays. Raises outbox.InvalidContact, LimitReached."""
    try:
        with transaction.atomic():
            contact = verification.request_changes(customer, **changes)
            if name is not None and name != customer.first_name:
                customer.first_name = name
                customer.save(update_fields=["first_name"])
            return contact
    except verification.TooManyCodes as error:
        raise LimitReached("too_many_codes", retry_after=error.retry_after) from error


def confirm(customer: User, *, field: str, code: str) -> outbox.Contact:
    """Use the address that the code was sent to, with what was booked with it as a guest. Raises InvalidCode."""
    try:
        contact = verification.confirm(customer, field=field, code=code)
    except verification.InvalidCode as error:
        raise InvalidCode from error
    guests.hand_over(field, getattr(contact, field), to=customer)
    return contact


def unconfirmed(customer: User) -> dict[str, str]:
    """The new addresses that wait for their code, by field."""
    return verification.pending(customer)
