"""What a form says where no code was sent: the address cannot be used, or has had too many codes."""

from django import forms

from bookings.errors import LimitReached
from notifications import outbox


def say(form: forms.Form, refused: outbox.InvalidContact | LimitReached, *, field: str | None = None) -> int:
    """Put it into the form, at `field` or at the field that is wrong; returns the status of the page."""
    if isinstance(refused, LimitReached):
        form.add_error(field, refused.message)
        return 429
    for wrong, problems in refused.errors.items():
        form.add_error(field or (wrong if wrong in form.fields else None), problems)
    return 200
