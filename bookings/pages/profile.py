"""The customer's own details: name, language, addresses, wishes, and the codes that confirm new addresses."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from bookings import contacts
from bookings.errors import BookingError
from bookings.pages.forms import AboutForm, AddressesForm, WishesForm
from bookings.pages.push import section_of
from bookings.pages.views import customers_only
from notifications import outbox
from notifications.outbox import Contact, Purpose

WORDS = {
    "phone": (
        gettext_lazy("Code for your new phone number"),
        gettext_lazy("We use the new phone number once you have entered it here."),
    ),
    "email": (
        gettext_lazy("Code for your new email address"),
        gettext_lazy("We use the new email address once you have entered it here."),
    ),
}


@customers_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """The page; each of its forms changes only what is its own."""
    assert request.user.is_authenticated  # noqa: S101  (customers_only)
    customer: User = request.user
    if "code" in request.POST:
        return _confirm(request, customer)
    contact = outbox.contact_of(customer)
    which = next((name for name in ("about", "wishes") if name in request.POST), "addresses")
    sent = {which: request.POST} if request.POST else {}  # an empty form would take both addresses away
    known: dict[str, dict[str, Any]] = {
        "about": {"name": customer.first_name, "locale": contact.locale, "time_zone": contact.time_zone},
        "addresses": {"phone": contact.phone, "email": contact.email},
        "wishes": _wishes(contact),
    }
    shown: dict[str, forms.Form] = {
        "about": AboutForm(sent.get("about"), initial=known["about"]),
        "addresses": AddressesForm(sent.get("addresses"), initial=known["addresses"]),
        "wishes": WishesForm(sent.get("wishes"), wishes=known["wishes"]),
    }
    form = shown[which]
    if sent and form.is_valid():
        changed = {word: value for word, value in form.cleaned_data.items() if value != known[which][word]}
        if _change(request, customer, form, _as_stored(changed) if which == "wishes" else changed):
            return redirect("profile-page")
    waiting = contacts.unconfirmed(customer)
    unconfirmed = [(field, *WORDS[field], address) for field, address in sorted(waiting.items())]
    return render(request, "pages/profile.html", {**shown, "unconfirmed": unconfirmed, "push": section_of(customer)})


def _wishes(contact: Contact) -> dict[str, bool]:
    """Whether each channel is wanted, and reminders on it (sms:reminder)."""
    wishes: dict[str, bool] = {}
    for channel, purposes in contact.opt_ins.items():
        if hasattr(contact, f"{channel}_enabled"):  # browsers are signed up one by one
            wishes[channel] = getattr(contact, f"{channel}_enabled")
        wishes[f"{channel}:{Purpose.REMINDER}"] = purposes[Purpose.REMINDER]
    return wishes


def _as_stored(wishes: dict[str, bool]) -> dict[str, Any]:
    """Changed wishes under the outbox's names."""
    changes: dict[str, Any] = {}
    for wish, is_wanted in wishes.items():
        channel, _, purpose = wish.partition(":")
        if purpose:
            changes.setdefault("opt_ins", {})[channel] = {purpose: is_wanted}
        else:
            changes[f"{channel}_enabled"] = is_wanted
    return changes


def _change(request: HttpRequest, customer: User, form: forms.Form, changes: dict[str, Any]) -> bool:
    """Whether the outbox could use what was entered; what is wrong, the form or the next page says."""
    try:
        contacts.request_changes(customer, **changes)
    except outbox.InvalidContact as error:
        for field, problems in error.errors.items():
            form.add_error(field if field in form.fields else None, problems)
        return False
    except BookingError as error:
        messages.error(request, error.message)
        return True
    if not changes.keys() & WORDS.keys():
        messages.success(request, _("Saved."))
    return True


def _confirm(request: HttpRequest, customer: User) -> HttpResponse:
    """Confirm a new address with its code."""
    code = "".join(request.POST["code"].split())
    try:
        contacts.confirm(customer, field=request.POST.get("field", ""), code=code)
    except BookingError as error:
        messages.error(request, error.message)
    else:
        done = _("Confirmed. We'll write to you there from now on, and you can sign in with it.")
        messages.success(request, done)
    return redirect("profile-page")
