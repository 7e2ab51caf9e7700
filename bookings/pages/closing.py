"""The page on which customers close their account: what it means, and the password or a code."""

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from bookings import access_codes, closing
from bookings.access_codes import Purpose
from bookings.errors import InvalidCode, LimitReached
from bookings.pages import code_cookie
from bookings.pages.forms import CodeForm, PasswordForm
from bookings.pages.views import customers_only


@customers_only
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest) -> HttpResponse:
    """The page, and its forms: the password, sending a code, and the code."""
    assert request.user.is_authenticated  # noqa: S101  (customers_only)
    customer: User = request.user
    if customer.is_staff:
        return redirect("admin:index")  # what staff did must stay theirs
    address = closing.address_for_code(customer)
    if "send" in request.POST and address:
        return _send_code(request, address)
    asked = code_cookie.asked(request, Purpose.CLOSE)
    by_password = PasswordForm(request.POST if "password" in request.POST else None, request=request, customer=customer)
    filled_in = {"code": asked.code} if asked else {}
    by_code = CodeForm(request.POST if "code" in request.POST else None, initial=filled_in)
    if by_password.is_bound and by_password.is_valid():
        closing.close(customer)
        return _closed(request)
    if asked and by_code.is_bound and by_code.is_valid():
        try:
            closing.close_by_code(customer, asked, code=by_code.cleaned_data["code"])
        except InvalidCode as error:
            by_code.add_error("code", error.message)
        else:
            return _closed(request)
    shown = {
        "by_password": by_password if customer.has_usable_password() else None,
        "by_code": by_code,
        "asked": asked,
        "address": address,
        "upcoming": closing.upcoming(customer),
    }
    return render(request, "pages/close.html", shown)


def _send_code(request: HttpRequest, address: str) -> HttpResponse:
    back = redirect("close-page")
    try:
        asked = access_codes.ask(Purpose.CLOSE, address, locale=get_language() or "")
    except LimitReached as error:
        messages.error(request, error.message)
        return back
    return code_cookie.remember(back, asked)


def _closed(request: HttpRequest) -> HttpResponse:
    logout(request)
    messages.success(request, _("Your account is closed, and what we knew of you is deleted. Goodbye!"))
    return code_cookie.forget(redirect("slots-page"))
