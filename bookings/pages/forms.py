"""The forms that customers fill in."""

import uuid
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bookings import accounts
from bookings.access_codes import Asked
from bookings.models import Slot
from bookings.pages.words import CHANNELS
from notifications import outbox

REGIONS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
MOST_OFFERED = 10  # seats that the page offers at once; the API takes more


@lru_cache(1)
def time_zones() -> list[str]:
    """The names that stand for a place, and UTC: of all names, many are other names of the same."""
    return sorted(name for name in available_timezones() if name.partition("/")[0] in (*REGIONS, "UTC"))


class OrderForm(forms.Form):
    """How many seats of a slot. `key` makes sure that a form sent twice makes one order."""

    quantity = forms.TypedChoiceField(label=_("Seats"), coerce=int)
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, slot: Slot, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = min(MOST_OFFERED, slot.capacity if self.is_bound else slot.seats_left)
        self.fields["quantity"].choices = [(number, number) for number in range(1, most + 1)]  # type: ignore[attr-defined]


class AddressesForm(forms.Form):
    """Where a customer is reached; whether an address can be used, the outbox says."""

    phone = forms.CharField(label=_("Phone number"), max_length=32, required=False)
    email = forms.CharField(label=_("Email address"), max_length=254, required=False)


class AboutForm(forms.Form):
    """What the customer is called, and how we write to them. What is set already can be kept, whatever it is."""

    name = forms.CharField(
        label=_("Your name"), max_length=150, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    locale = forms.ChoiceField(label=_("Language of our messages"))
    time_zone = forms.ChoiceField(label=_("Time zone"))

    def __init__(self, data: Any, *, initial: dict[str, str]) -> None:
        super().__init__(data, initial=initial)
        languages = dict(settings.LANGUAGES)
        languages.setdefault(initial["locale"], initial["locale"])
        zones = {*time_zones(), initial["time_zone"]}
        offered = {"locale": languages.items(), "time_zone": [(zone, zone.replace("_", " ")) for zone in sorted(zones)]}
        for field, choices in offered.items():
            self.fields[field].choices = choices  # type: ignore[attr-defined]


class WishesForm(forms.Form):
    """Which messages the customer wants on each channel: any at all, and reminders."""

    def __init__(self, *args: Any, wishes: dict[str, bool], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for wish, is_wanted in wishes.items():
            channel, _, purpose = wish.partition(":")
            by = {**CHANNELS, "email": gettext("email"), "webpush": gettext("notification")}.get(channel, channel)
            label = gettext("Reminders by %(channel)s") if purpose else gettext("Messages by %(channel)s")
            self.fields[wish] = forms.BooleanField(label=label % {"channel": by}, required=False, initial=is_wanted)


class ProofForm(forms.Form):
    """The proof of payment from a gateway's form, with the same length limits as in the API."""

    payment_id = forms.CharField(max_length=100)
    signature = forms.CharField(max_length=200, strip=False)


class SignInForm(AuthenticationForm):
    """A password, and an address or the name of the account that it is of."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": _("Wrong name or password. Check both, or set a new password."),
    }

    def clean_username(self) -> str:
        return accounts.login_name(self.cleaned_data["username"])


class AddressForm(forms.Form):
    """Where a code is sent; whether the address can be used, the outbox says."""

    address = forms.CharField(
        label=_("Email address or mobile number"),
        max_length=254,
        help_text=_("A number with its country code, for example +14155550123."),
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )


class CodeForm(forms.Form):
    """The code that came by message."""

    code = forms.CharField(
        label=_("Code"),
        max_length=16,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class GuestForm(forms.Form):
    """Who books without an account; whether an address can be used, the outbox says."""

    name = forms.CharField(label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.CharField(
        label=_("Email address"),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    phone = forms.CharField(
        label=_("Mobile number"),
        max_length=32,
        required=False,
        help_text=_("A number with its country code, for example +14155550123."),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )


class TimeZoneForm(forms.Form):
    """The browser fills in its time zone; one that we do not know counts for nothing."""

    time_zone = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def clean_time_zone(self) -> str:
        try:
            checked: str = outbox.checked_changes({"time_zone": self.cleaned_data["time_zone"]})["time_zone"]
        except outbox.InvalidContact:
            return ""
        return checked


class GuestCodesForm(TimeZoneForm):
    """The codes of a guest's addresses, but of those that are proven already.

    `followed`: the code whose link the browser has followed.
    """

    LABELS = {"email": _("Code from the email"), "phone": _("Code from the SMS")}

    def __init__(self, data: Any, *, steps: Iterable[Any], followed: Asked | None) -> None:
        super().__init__(data)
        for step in steps:
            if not step.is_proven:
                is_followed = followed is not None and followed.code_id == step.asked.code_id
                self.fields[step.field] = forms.CharField(
                    label=self.LABELS[step.field],
                    max_length=16,
                    initial=followed.code if followed and is_followed else "",
                    widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
                )


class NewPasswordByCodeForm(CodeForm):
    """A new password, by who has proved the account's address."""

    password = forms.CharField(
        label=_("New password"),
        strip=False,
        max_length=4096,
        help_text=_("At least 8 characters. A short sentence is good."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, address: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._address = address

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, User(email=self._address))
        return password


class SignUpForm(NewPasswordByCodeForm, TimeZoneForm):
    """A new account."""

    name = forms.CharField(label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    field_order = ("code", "name", "password", "time_zone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].label = _("Password")


class PasswordForm(forms.Form):
    """The customer's password again. Wrong ones count, and lock, as at the login."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, request: HttpRequest, customer: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request, self._customer = request, customer

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        found = authenticate(self._request, username=self._customer.get_username(), password=password)
        if found != self._customer:
            raise forms.ValidationError(gettext("This password is wrong."))
        return password


class NewPasswordForm(PasswordForm):
    """A new password, by who knows the one that it replaces."""

    new_password = forms.CharField(
        label=_("New password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_new_password(self) -> str:
        new: str = self.cleaned_data["new_password"]
        validate_password(new, self._customer)
        return new
