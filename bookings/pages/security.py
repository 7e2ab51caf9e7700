"""The customer's own security: a new password, the browsers and programs that are signed in, and signing them out.

`bookings.own_security` does it, for the API as well. The session that asks is kept.
"""

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from bookings import own_security
from bookings.pages.forms import NewPasswordForm, PasswordForm
from bookings.pages.posted import posted_from
from bookings.pages.views import customers_only
from bookings.user_agents import translated


@customers_only
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def security(request: HttpRequest) -> HttpResponse:
    """The page, and its two forms: a new password, and logging out everywhere."""
    assert request.user.is_authenticated  # noqa: S101  (customers_only)
    customer: User = request.user
    if customer.is_staff:
        return redirect("admin:password_change")  # the staff door asks for more than a password
    is_everywhere = "everywhere" in request.POST
    who: dict[str, Any] = {"request": request, "customer": customer}
    change = NewPasswordForm(None if is_everywhere else request.POST or None, prefix="change", **who)
    everywhere = PasswordForm(request.POST if is_everywhere else None, prefix="everywhere", **who)
    chosen = everywhere if is_everywhere else change
    if request.method == "POST" and chosen.is_valid():
        if is_everywhere:
            own_security.set_password(customer, chosen.cleaned_data["password"], request=request)
        else:
            own_security.change_password(customer, chosen.cleaned_data["new_password"], request=request)
        done = _("Everything else is signed out.") if is_everywhere else _("Your password is changed.")
        messages.success(request, done)
        return redirect("security-page")
    signed_in = {
        "browsers": [(each, translated(each.device)) for each in own_security.browsers_of(customer)],
        "programs": [(each, translated(each.device)) for each in own_security.programs_of(customer)],
        "here": request.session.session_key,
    }
    return render(request, "pages/security.html", {"change": change, "everywhere": everywhere, **signed_in})


@posted_from("security-page")
@customers_only
def end_token(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of the customer's tokens."""
    assert request.user.is_authenticated  # noqa: S101  (customers_only)
    done = _("That program is signed out.")
    return _signed_out(request, done, found=own_security.end_program(request.user, pk))


@posted_from("security-page")
@customers_only
def end_browser(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign one of the customer's browsers out."""
    assert request.user.is_authenticated  # noqa: S101  (customers_only)
    done = _("That browser is signed out.")
    return _signed_out(request, done, found=own_security.end_browser(request.user, pk))


def _signed_out(request: HttpRequest, done: str, *, found: bool) -> HttpResponse:
    if not found:
        raise Http404
    messages.success(request, done)
    return redirect("security-page")
