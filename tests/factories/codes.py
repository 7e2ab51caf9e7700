"""Codes that were sent, as their readers see them, and a customer who came in by one."""

from django.contrib.auth.models import User

from bookings import access_codes, accounts
from bookings.access_codes import Purpose
from notifications.content.confirmation_codes import code_of
from notifications.models import AddressVerification, OutboxMessage


def last_code() -> str:
    """The code that was sent last."""
    return code_of(AddressVerification.objects.latest("pk").pk)


def another(code: str) -> str:
    """A code that is not this one."""
    return f"{(int(code) + 1) % 10**6:06}"


def sent_to(field: str, address: str) -> list[str]:
    """The kinds of what goes to the address."""
    messages = OutboxMessage.objects.filter(**{f"recipient__{field}": address}).order_by("pk")
    return list(messages.values_list("kind", flat=True))


def customer_who_signed_up(address: str, *, password: str) -> User:
    """A customer with an account, who proved the address."""
    asked = access_codes.ask(Purpose.SIGN_UP, address)
    return accounts.sign_up(asked, code=last_code(), account=accounts.NewAccount("Ann", password))[0]
