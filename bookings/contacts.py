"""A customer's own changes of phone and email: a new address is used once the code that was sent there is confirmed."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser

from bookings.errors import InvalidCode, LimitReached
from notifications import outbox, verification


def request_changes(customer: AbstractBaseUser, **changes: Any) -> outbox.Contact:
    """Change contact details as the customer wishes. Raises outbox.InvalidContact, LimitReached."""
    try:
        return verification.request_changes(customer, **changes)
    except verification.TooManyCodes as error:
        raise LimitReached("too_many_codes", retry_after=error.retry_after) from error


def confirm(customer: AbstractBaseUser, *, field: str, code: str) -> outbox.Contact:
    """Use the address that the code was sent to. Raises InvalidCode."""
    try:
        return verification.confirm(customer, field=field, code=code)
    except verification.InvalidCode as error:
        raise InvalidCode from error


def unconfirmed(customer: AbstractBaseUser) -> dict[str, str]:
    """The new addresses that wait for their code, by field."""
    return verification.pending(customer)
