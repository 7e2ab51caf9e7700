"""Where the links in our messages lead: to a booking, and to the page of a code, with the code filled in.

The link is the key, so a page that it opens is kept by no cache, and no other site learns its address
(SECURE_REFERRER_POLICY). With a stricter policy a browser sends the forms without an origin, and they are refused.
Opening a link changes nothing, because mail scanners open them: the buttons on its page do.
"""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bookings import accounts, booking_links, code_links
from bookings.access_codes import Asked, Purpose
from bookings.api import selectors
from bookings.api.serializers import BookingSerializer
from bookings.code_links import Way
from bookings.models import Booking
from bookings.pages import booking_page, code_cookie, documents
from bookings.pages.documents import Document
from bookings.pages.posted import posted_from
from notifications import verification
from notifications.verification import OpenCode

CODE_PAGES = {  # where each code is entered, and asked for
    Way.SIGN_UP: (Purpose.SIGN_UP, "sign-up-code-page", "sign-up-page"),
    Way.SIGN_IN: (Purpose.SIGN_IN, "sign-in-code-page", "sign-in-by-code-page"),
    Way.RESET: (Purpose.RESET, "reset-code-page", "reset-page"),
    Way.CLOSE: (Purpose.CLOSE, "close-page", "close-page"),
    Way.GUEST: (Purpose.GUEST, "guest-code-page", "slots-page"),
}


@require_safe
@never_cache
def booking(request: HttpRequest, token: str) -> HttpResponse:
    """A guest's booking. A customer with an account signs in, and gets to the booking's own page."""
    shown = _booking_of(token)
    if shown.user == request.user or not accounts.is_guest(shown.user):
        return redirect("booking-page", shown.pk)
    pages = ("cancel-by-link", "again-by-link", "booking-by-link-state", "booking-by-link")
    addresses = booking_page.addresses(*pages, of=token)
    context = {**booking_page.context_of(shown, addresses=addresses), "is_by_link": True}
    return render(request, "pages/booking.html", context)


@require_safe
@never_cache
def state(_: HttpRequest, token: str) -> HttpResponse:
    """What waits, for the script on the page: as the API tells it to who is signed in."""
    shown = _guests_booking(token)
    told = BookingSerializer(shown, context={"messages": selectors.messages_about([shown])}).data
    return JsonResponse({name: told[name] for name in ("status", "refund", "notifications")})


@require_safe
@never_cache
def document(_: HttpRequest, token: str, name: str) -> HttpResponse:
    """What a guest takes along from the booking."""
    return documents.answer(_guests_booking(token), Document(name))


@posted_from("booking-by-link", of="token")
@never_cache
def cancel(request: HttpRequest, token: str) -> HttpResponse:
    """Cancel a guest's booking."""
    booking_page.cancel(request, _guests_booking(token))
    return redirect("booking-by-link", token)


@posted_from("booking-by-link", of="token")
@never_cache
def again(request: HttpRequest, token: str) -> HttpResponse:
    """Send a message about a guest's booking again."""
    booking_page.send_again(request, _guests_booking(token))
    return redirect("booking-by-link", token)


@require_safe
@never_cache
def code(request: HttpRequest, token: str) -> HttpResponse:
    """To the page where the code is entered, with it filled in."""
    if request.headers.get("Sec-Fetch-Dest", "document") != "document":
        raise Http404  # a picture or a frame of another site: nobody looks at this page
    found = code_links.read(token)
    if found is None:
        raise Http404
    way, code_id = found
    known = verification.open_code(code_id)
    if way is Way.ADDRESS:
        return _confirm_address(request, known, code_id)
    purpose, page, back = CODE_PAGES[way]
    if known is None:
        return _too_late(request, back)
    asked = Asked(purpose, known.address, code_id, code=verification.code_of(code_id))
    return code_cookie.remember(redirect(page), asked)


def _confirm_address(request: HttpRequest, known: OpenCode | None, code_id: int) -> HttpResponse:
    """A page with the button that confirms a customer's new address."""
    if not request.user.is_authenticated:
        return redirect(f"{reverse('login-page')}?{urlencode({'next': request.path})}")
    if known is None or known.user_id != request.user.pk:
        return _too_late(request, "profile-page")
    context = {"field": known.field, "address": known.address, "code": verification.code_of(code_id)}
    return render(request, "pages/confirm_address.html", context)


def _too_late(request: HttpRequest, page: str) -> HttpResponse:
    messages.error(request, _("This link is no longer valid. Ask for a new code."))
    return redirect(page)


def _booking_of(token: str) -> Booking:
    booking_id = booking_links.booking_of(token)
    rows = Booking.objects.select_related("slot", "order", "payment__refund", "user")
    shown = rows.filter(pk=booking_id, user__is_active=True).first() if booking_id else None
    if shown is None:
        raise Http404
    return shown


def _guests_booking(token: str) -> Booking:
    shown = _booking_of(token)
    if not accounts.is_guest(shown.user):
        raise Http404
    return shown
