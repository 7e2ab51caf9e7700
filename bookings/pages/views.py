"""The customer's pages: each finds the object, calls the domain's function, and shows the result."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from bookings import orders, verification
from bookings.api import selectors
from bookings.errors import BookingError, GatewayUnavailable
from bookings.models import Booking, Order, Payment
from bookings.pages import booking_page, calendar, checkout, documents, words
from bookings.pages.documents import Document
from bookings.pages.forms import OrderForm, ProofForm
from bookings.pages.posted import posted_from
from bookings.pages.refund_rules import refund_rules

MOST_SHOWN = 50
customers_only = partial(login_required, login_url="login-page")


@require_safe
def slots(request: HttpRequest) -> HttpResponse:
    """What can be booked in a month: the one that is asked for, or the first in which there is something."""
    now = timezone.now()
    offered = selectors.slots().filter(starts_at__gt=now)
    next_one, last_one = offered.first(), offered.last()
    first = calendar.month_of(next_one) if next_one else None
    last = calendar.month_of(last_one) if last_one else None
    shown = calendar.month_named(request.GET.get("month", "")) or first or calendar.month_at(now)
    days = shown.days(offered.filter(starts_at__range=shown.around)[: calendar.MOST_SHOWN])
    context = {
        "month": shown,
        "days": days,
        "is_empty": not any(day.offers for day in days),
        "weekdays": calendar.weekdays(),
        "first": first,
        "is_after_first": first is not None and first.first < shown.first,
        "is_before_last": last is not None and last.first > shown.first,
        "is_elsewhere": calendar.is_elsewhere(),
    }
    return render(request, "pages/slots.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def slot(request: HttpRequest, pk: int) -> HttpResponse:
    """One slot with its rules, and the form that orders seats of it."""
    shown = get_object_or_404(selectors.slots(), pk=pk)
    form = OrderForm(request.POST or None, slot=shown)
    if request.method == "POST":
        if not request.user.is_authenticated:
            return redirect("login-page")
        if form.is_valid():
            return _order(request, pk, form)
    is_open = shown.starts_at > timezone.now() and shown.seats_left > 0
    context = {
        "slot": shown,
        "form": form,
        "is_open": is_open,
        "rules": refund_rules(shown, now=timezone.now()),
    }
    return render(request, "pages/slot.html", context)


@customers_only
@require_safe
@never_cache
def order(request: HttpRequest, pk: int) -> HttpResponse:
    """An order that waits for payment. A paid order redirects to its booking."""
    shown = _order_of(request, pk)
    if shown.status == Order.Status.BOOKED:
        return redirect("booking-page", shown.booking.pk)
    said = {"hold": words.said(words.HOLD), "checkout": words.said(words.CHECKOUT)}
    return render(request, "pages/order.html", {"order": shown, **_ways_to_pay(request, shown), "said": said})


@posted_from("order-page", of="pk")
@customers_only
def pay(request: HttpRequest, pk: int) -> HttpResponse:
    """Pay the order at the sandbox gateway, and verify the payment as any client does."""
    own = _order_of(request, pk)
    if own.status != Order.Status.OPEN or not checkout.can_be_paid_here(own):
        return redirect("order-page", pk)
    return _booked(request, pk, lambda: checkout.pay(own, customer=_customer(request)))


@posted_from("order-page", of="pk")
@customers_only
def paid(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the proof of payment from the gateway's form, and verify it like any client's."""
    own, form = _order_of(request, pk), ProofForm(request.POST)
    if not form.is_valid():
        problem = _("We could not read the report of your payment. If you have paid, we will book it soon.")
        messages.error(request, problem)
        return redirect("order-page", pk)
    claim = {"order_id": own.gateway_order_id, **form.cleaned_data}
    return _booked(request, pk, lambda: verification.verify(user=_customer(request), **claim).booking)


@customers_only
@require_safe
@never_cache
def bookings(request: HttpRequest) -> HttpResponse:
    """The customer's bookings, the latest first."""
    own = selectors.bookings_of(_customer(request))[:MOST_SHOWN]
    return render(request, "pages/bookings.html", {"bookings": [(each, words.BOOKINGS[each.status]) for each in own]})


@customers_only
@require_safe
@never_cache
def booking(request: HttpRequest, pk: int) -> HttpResponse:
    """One booking, and its messages as they arrive."""
    shown = get_object_or_404(selectors.bookings_of(_customer(request)), pk=pk)
    addresses = booking_page.addresses("cancel-page", "again-page", "booking", "booking-page", of=pk)
    context = booking_page.context_of(shown, addresses=addresses)
    return render(request, "pages/booking.html", context)


@customers_only
@require_safe
@never_cache
def document(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """What a customer takes along from the booking."""
    own = get_object_or_404(selectors.bookings_of(_customer(request)).select_related("user"), pk=pk)
    return documents.answer(own, Document(name))


@posted_from("booking-page", of="pk")
@customers_only
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel the booking."""
    booking_page.cancel(request, get_object_or_404(selectors.bookings_of(_customer(request)), pk=pk))
    return redirect("booking-page", pk)


@posted_from("booking-page", of="pk")
@customers_only
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a message about the booking again."""
    booking_page.send_again(request, get_object_or_404(selectors.bookings_of(_customer(request)), pk=pk))
    return redirect("booking-page", pk)


def _booked(request: HttpRequest, pk: int, book: Callable[[], Booking]) -> HttpResponse:
    """Redirect to the booking that `book` makes, or back to the order with the error."""
    try:
        made = book()
    except BookingError as error:
        messages.error(request, error.message)
        return redirect("order-page", pk)
    messages.success(request, _("Paid and booked. Your messages are on their way."))
    return redirect("booking-page", made.pk)


def _ways_to_pay(request: HttpRequest, order: Order) -> dict[str, Any]:
    if order.status not in (Order.Status.OPEN, Order.Status.LAPSED):
        return {}
    if order.payments.filter(decision=Payment.Decision.WANTED).exists():
        return {"is_undecided": True}
    if order.status == Order.Status.LAPSED:
        return {}
    try:
        return {"is_payable": checkout.can_be_paid_here(order), "form": checkout.form_of(order)}
    except GatewayUnavailable:
        messages.error(request, _("The payment gateway is not answering. Please try again soon."))
        return {}


def _order(request: HttpRequest, slot_id: int, form: OrderForm) -> HttpResponse:
    wanted: dict[str, Any] = {
        "user": _customer(request),
        "slot_id": slot_id,
        "quantity": form.cleaned_data["quantity"],
        "idempotency_key": str(form.cleaned_data["key"]),
    }
    try:
        made = orders.made_before(**wanted) or orders.open_order(**wanted)
    except BookingError as error:
        messages.error(request, error.message)
        return redirect("slot-page", slot_id)
    return redirect("order-page", made.pk)


def _order_of(request: HttpRequest, pk: int) -> Order:
    own = Order.objects.select_related("slot").filter(user_id=_customer(request).pk).exclude(gateway_order_id="")
    return get_object_or_404(own, pk=pk)


def _customer(request: HttpRequest) -> User:
    assert request.user.is_authenticated  # noqa: S101  (customers_only)
    return request.user
