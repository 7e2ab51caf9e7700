"""The customer's own phone number and email address, and the codes that confirm new ones."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from bookings import contacts
from bookings.errors import BookingError
from bookings.pages.forms import AddressesForm
from notifications import outbox

WORDS = {"phone": "phone number", "email": "email address"}


@login_required(login_url="login-page")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Where we reach the customer, a form that changes it, and one for each code that is waited for."""
    assert request.user.is_authenticated  # noqa: S101  (login_required)
    customer = request.user
    if "code" in request.POST:
        return _confirm(request, customer)
    contact = outbox.contact_of(customer)
    known = {"phone": contact.phone, "email": contact.email}
    form = AddressesForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        changes = {field: value for field, value in form.cleaned_data.items() if value != known[field]}
        if _change(request, customer, form, changes):
            return redirect("profile-page")
    waiting = contacts.unconfirmed(customer)
    unconfirmed = [(field, WORDS[field], address) for field, address in sorted(waiting.items())]
    return render(request, "pages/profile.html", {"form": form, "unconfirmed": unconfirmed})


def _change(request: HttpRequest, customer: User, form: AddressesForm, changes: dict[str, str]) -> bool:
    """Whether the outbox could use what was entered; what is wrong, the form or the next page says."""
    try:
        contacts.request_changes(customer, **changes)
    except outbox.InvalidContact as error:
        for field, problems in error.errors.items():
            form.add_error(field, problems)
        return False
    except BookingError as error:
        messages.error(request, error.message)
    return True


def _confirm(request: HttpRequest, customer: User) -> HttpResponse:
    """Confirm a new address with its code."""
    try:
        contacts.confirm(customer, field=request.POST.get("field", ""), code=request.POST["code"].strip())
    except BookingError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Confirmed. We'll write to you there from now on.")
    return redirect("profile-page")
