"""Where a customer is reached: named in the settings as OUTBOX_CONTACT_OF."""

from django.contrib.auth.models import AbstractBaseUser

from parcels.models import Customer


def contact_of(user: AbstractBaseUser) -> dict[str, str]:
    """The number only of those who gave one here; other numbers are the recipients' own."""
    assert isinstance(user, Customer)
    return {"email": user.email} | ({"phone": user.cell} if user.cell else {})
