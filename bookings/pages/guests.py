"""The pages by which guests come in: an email address and a phone number, and then the code of each.

What was asked for, and what is proven already, is kept by the browser in a signed cookie. So a code that is right is
entered once, also where the other one is wrong.
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from bookings import access_codes, accounts, guests
from bookings.access_codes import Asked, Purpose
from bookings.errors import AddressRefused, AddressTooNew, InvalidCode, LimitReached
from bookings.pages import code_cookie, next_page, refused_address
from bookings.pages.forms import GuestCodesForm, GuestForm
from notifications import outbox
from notifications.shards import within_shard
from notifications.verification import Proof

NAME, SALT = "guest", "bookings.guest"


@dataclass(frozen=True, slots=True)
class Step:
    """An address of the guest: the code that was sent there, and whether it has come back."""

    field: str
    asked: Asked
    is_proven: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A guest on the way in."""

    name: str
    steps: tuple[Step, ...]

    def signed(self) -> str:
        """For the browser to keep."""
        return signing.dumps(asdict(self), salt=within_shard(SALT))

    @classmethod
    def of(cls, signed: str) -> Self | None:
        """What the browser kept; None if nothing, or too long ago."""
        try:
            kept = signing.loads(signed, salt=within_shard(SALT), max_age=access_codes.MOST_SECONDS)
            steps = [Step(each["field"], Asked(**each["asked"]), each["is_proven"]) for each in kept["steps"]]
        except (signing.BadSignature, KeyError, TypeError):
            return None
        return cls(kept["name"], tuple(steps))


def for_pages(request: HttpRequest) -> dict[str, Any]:
    """For the templates of pages: `is_guest`. Nobody is looked for unless a template asks."""
    return {"is_guest": SimpleLazyObject(lambda: hasattr(request, "user") and accounts.is_guest(request.user))}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def come_in(request: HttpRequest) -> HttpResponse:
    """Ask for the name and the addresses of a guest, and send a code to each address."""
    if request.user.is_authenticated:
        return redirect(_next(request) or "slots-page")
    form, status = GuestForm(request.POST or None), 200
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            asked = guests.ask(email=said["email"], phone=said["phone"], locale=get_language() or "")
        except (outbox.InvalidContact, LimitReached) as error:
            status = refused_address.say(form, error)
        else:
            fields = [field for field in ("email", "phone") if said[field]]
            steps = [Step(field, each) for field, each in zip(fields, asked, strict=True)]
            return _remember(redirect(_with_next(request, "guest-code-page")), Arrival(said["name"], tuple(steps)))
    return render(request, "pages/guest.html", {"form": form, "next": _next(request)}, status=status)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def codes(request: HttpRequest) -> HttpResponse:
    """Take the codes, and let the guest in."""
    arrival = Arrival.of(request.COOKIES.get(NAME, ""))
    if arrival is None:
        return redirect("guest-page")
    followed = code_cookie.asked(request, Purpose.GUEST)  # the browser has followed the link beside a code
    form = GuestCodesForm(request.POST or None, steps=arrival.steps, followed=followed)
    if request.method == "POST" and form.is_valid():
        arrival = _proven(arrival, form)
        if all(step.is_proven for step in arrival.steps):
            return _let_in(request, arrival, time_zone=form.cleaned_data["time_zone"])
    minutes = settings.OUTBOX_CODE_MINUTES
    context = {"form": form, "steps": arrival.steps, "minutes": minutes, "next": _next(request)}
    return _remember(render(request, "pages/guest_codes.html", context), arrival)


def _proven(arrival: Arrival, form: GuestCodesForm) -> Arrival:
    """What the codes prove; the form says which of them are wrong."""
    steps = []
    for step in arrival.steps:
        is_proven = step.is_proven
        if not is_proven:
            try:
                guests.prove(step.asked, code=form.cleaned_data[step.field])
            except InvalidCode as error:
                form.add_error(step.field, error.message)
            else:
                is_proven = True
        steps.append(Step(step.field, step.asked, is_proven))
    return Arrival(arrival.name, tuple(steps))


def _let_in(request: HttpRequest, arrival: Arrival, *, time_zone: str) -> HttpResponse:
    proofs = [Proof("phone" if step.field == "phone" else "email", step.asked.address) for step in arrival.steps]
    try:
        user = guests.come_in(proofs, guests.NewGuest(arrival.name, get_language() or "", time_zone))
    except (AddressRefused, AddressTooNew) as error:
        messages.error(request, error.message)
        return _forget(redirect(_with_next(request, "guest-page")))
    if not accounts.is_guest(user):
        messages.success(request, _("You already had an account, so you are signed in."))
    login(request, user, backend=settings.CUSTOMER_BACKEND)
    return _forget(redirect(_next(request) or "slots-page"))


def _next(request: HttpRequest) -> str:
    return next_page.if_ours(request, request.GET.get("next", ""))


def _with_next(request: HttpRequest, page: str) -> str:
    return next_page.appended(reverse(page), _next(request))


def _remember(response: HttpResponse, arrival: Arrival) -> HttpResponse:
    kept: dict[str, Any] = {"httponly": True, "samesite": "Lax", "secure": settings.SESSION_COOKIE_SECURE}
    response.set_cookie(NAME, arrival.signed(), max_age=access_codes.MOST_SECONDS, path=reverse("guest-page"), **kept)
    return response


def _forget(response: HttpResponse) -> HttpResponse:
    response.delete_cookie(NAME, path=reverse("guest-page"), samesite="Lax")
    return code_cookie.forget(response)
