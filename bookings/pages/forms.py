"""The forms that customers fill in."""

import uuid
from typing import Any

from django import forms

from bookings.models import Slot

MOST_OFFERED = 10  # seats that the page offers at once; the API takes more


class OrderForm(forms.Form):
    """How many seats of a slot. `key` makes sure that a form sent twice makes one order."""

    quantity = forms.TypedChoiceField(label="Seats", coerce=int)
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, slot: Slot, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = min(MOST_OFFERED, slot.capacity if self.is_bound else slot.seats_left)
        self.fields["quantity"].choices = [(number, number) for number in range(1, most + 1)]  # type: ignore[attr-defined]


class AddressesForm(forms.Form):
    """Where a customer is reached; whether an address can be used, the outbox says."""

    phone = forms.CharField(label="Phone number", max_length=32, required=False)
    email = forms.CharField(label="Email address", max_length=254, required=False)


class ProofForm(forms.Form):
    """The proof of payment from a gateway's form, with the same length limits as in the API."""

    payment_id = forms.CharField(max_length=100)
    signature = forms.CharField(max_length=200, strip=False)
