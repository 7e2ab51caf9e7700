"""The pages by which customers come in: sign up, sign in by a code, and a new password for who has forgotten theirs.

Each is two pages: the first asks for an address and sends a code there, the second takes the code. In between, the
browser keeps what was asked for in a signed cookie. So a stranger fills up neither accounts nor sessions.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from bookings import access_codes, accounts
from bookings.access_codes import Asked, Purpose
from bookings.errors import AddressRefused, AddressTooNew, InvalidCode, LimitReached, NoAccount
from bookings.pages import code_cookie, next_page, refused_address
from bookings.pages.forms import AddressForm, CodeForm, NewPasswordByCodeForm, SignUpForm
from notifications import outbox

a_form = require_http_methods(["GET", "HEAD", "POST"])


@never_cache
@a_form
def sign_up(request: HttpRequest) -> HttpResponse:
    """Ask for the address of a new account."""
    return _ask(request, Purpose.SIGN_UP, template="pages/signup.html", code_page="sign-up-code-page")


@never_cache
@sensitive_post_parameters()
@a_form
def sign_up_code(request: HttpRequest) -> HttpResponse:
    """Take the code, and make the account. Whoever has one with this address is signed in to it."""

    def make(asked: Asked, said: dict[str, Any]) -> HttpResponse:
        locale = get_language() or ""
        account = accounts.NewAccount(said["name"], said["password"], locale=locale, time_zone=said["time_zone"])
        user, is_new = accounts.sign_up(asked, code=said["code"], account=account)
        welcome, known = _("Welcome! Your account is ready."), _("You already had an account, so you are signed in.")
        messages.success(request, welcome if is_new else known)
        return _signed_in(request, user)

    return _take_code(
        request,
        Purpose.SIGN_UP,
        template="pages/signup_code.html",
        form_of=lambda asked: SignUpForm(request.POST or None, initial={"code": asked.code}, address=asked.address),
        act=make,
        back=reverse("sign-up-page"),
    )


@never_cache
@a_form
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for the address of the account to sign in to."""
    return _ask(request, Purpose.SIGN_IN, template="pages/login_code.html", code_page="sign-in-code-page")


@never_cache
@a_form
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """Take the code, and sign in."""
    return _take_code(
        request,
        Purpose.SIGN_IN,
        template="pages/login_code_enter.html",
        form_of=lambda asked: CodeForm(request.POST or None, initial={"code": asked.code}),
        act=lambda asked, said: _signed_in(request, accounts.sign_in(asked, code=said["code"])),
        back=reverse("sign-in-by-code-page"),
        keeps_next=True,
    )


@never_cache
@a_form
def reset(request: HttpRequest) -> HttpResponse:
    """Ask for the address of the account whose password is forgotten."""
    return _ask(request, Purpose.RESET, template="pages/reset.html", code_page="reset-code-page")


@never_cache
@sensitive_post_parameters()
@a_form
def reset_code(request: HttpRequest) -> HttpResponse:
    """Take the code, and store the new password."""

    def store(asked: Asked, said: dict[str, Any]) -> HttpResponse:
        accounts.set_password(asked, code=said["code"], password=said["password"])
        done = _("Your new password is set, and all your sign-ins have ended. Sign in with it now.")
        messages.success(request, done)
        return code_cookie.forget(redirect("login-page"))

    return _take_code(
        request,
        Purpose.RESET,
        template="pages/reset_code.html",
        form_of=lambda asked: NewPasswordByCodeForm(
            request.POST or None, initial={"code": asked.code}, address=asked.address
        ),
        act=store,
        back=reverse("reset-page"),
    )


def _ask(request: HttpRequest, purpose: Purpose, *, template: str, code_page: str) -> HttpResponse:
    """The page that asks for an address; it sends a code there, and says no more of the address than that."""
    if request.user.is_authenticated and purpose is not Purpose.RESET and not accounts.is_guest(request.user):
        return redirect("slots-page")
    form, status = AddressForm(request.POST or None), 200
    if request.method == "POST" and form.is_valid():
        locale = get_language() or ""
        try:
            asked = access_codes.ask(purpose, form.cleaned_data["address"], locale=locale)
        except (outbox.InvalidContact, LimitReached) as error:
            status = refused_address.say(form, error, field="address")
        else:
            return code_cookie.remember(redirect(_with_next(request, reverse(code_page))), asked)
    return render(request, template, {"form": form, "next": _next(request)}, status=status)


def _take_code(
    request: HttpRequest,
    purpose: Purpose,
    *,
    template: str,
    form_of: Callable[[Asked], CodeForm],
    act: Callable[[Asked, dict[str, Any]], HttpResponse],
    back: str,
    keeps_next: bool = False,
) -> HttpResponse:
    """The page that takes the code, and does `act` with it. Where that is refused, it leads `back` to the first page,
    which `keeps_next`: where the customer wanted to go.
    """
    asked = code_cookie.asked(request, purpose)
    if asked is None:
        return redirect(back)
    form = form_of(asked)
    if request.method == "POST" and form.is_valid():
        try:
            return act(asked, form.cleaned_data)
        except InvalidCode as error:
            form.add_error("code", error.message)
        except (AddressRefused, AddressTooNew, NoAccount) as error:
            messages.error(request, error.message)
            return code_cookie.forget(redirect(_with_next(request, back) if keeps_next else back))
    minutes = settings.OUTBOX_CODE_MINUTES
    return render(request, template, {"form": form, "asked": asked, "minutes": minutes, "next": _next(request)})


def _signed_in(request: HttpRequest, user: User) -> HttpResponse:
    login(request, user, backend=settings.CUSTOMER_BACKEND)
    return code_cookie.forget(redirect(_next(request) or "slots-page"))


def _next(request: HttpRequest) -> str:
    """Where the customer wanted to go; nothing if that is not here."""
    return next_page.if_ours(request, request.GET.get("next", ""))


def _with_next(request: HttpRequest, address: str) -> str:
    return next_page.appended(address, _next(request))
