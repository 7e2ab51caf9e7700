"""The door of a slot, for staff: who comes (on screen, on paper, as CSV), and the check-in by code."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bookings import check_in, occupancy
from bookings.check_in import State
from bookings.models import Booking, Slot
from bookings.occupancy import Guest
from notifications.admin.csv_file import cell
from notifications.operations.record_action import Actor, record

HEADER = ("Booking", "Name", "Seats", "Phone", "Email", "Booked (UTC)", "Checked in (UTC)")
DOOR = "bookings_door"  # the session's key: at whose door this browser stands
SAID = {
    State.READY: "This booking can be checked in.",
    State.DONE: "Checked in.",
    State.ALREADY: "This booking was checked in already.",
    State.CANCELLED: "This booking is cancelled: it lets nobody in.",
    State.OTHER_SLOT: "This booking is for another slot than the one you check in for.",
    State.TOO_EARLY: "This booking is for a later time.",
    State.TOO_LATE: "This booking's slot is over.",
}


def slot_urls(site: admin.AdminSite) -> list[URLPattern]:
    """The pages of a slot's door."""
    return [
        path("<int:pk>/occupancy/", site.admin_view(_who_comes), name="bookings_slot_occupancy"),
        path("<int:pk>/occupancy.csv", site.admin_view(_csv), name="bookings_slot_occupancy_csv"),
        path("<int:pk>/door/", site.admin_view(_stand_at), name="bookings_slot_door"),
    ]


def booking_urls(site: admin.AdminSite) -> list[URLPattern]:
    """Where a booking's code leads."""
    return [path("check-in/<str:token>/", site.admin_view(_check_in), name="bookings_booking_check_in")]


@require_safe
def _who_comes(request: HttpRequest, pk: int) -> HttpResponse:
    slot = _slot(request, pk)
    people = occupancy.guests(slot)
    context = {
        "title": f"Who comes: {slot.title}",
        "slot": slot,
        "guests": people,
        "seats": sum(guest.seats for guest in people),
        "came": sum(guest.seats for guest in people if guest.checked_in_at),
        "is_at_door": request.session.get(DOOR) == slot.pk,
        "may_check_in": _user(request).has_perm("bookings.check_in"),
        "opts": Slot._meta,
    }
    return _page(request, "occupancy.html", context)


@require_safe
def _csv(request: HttpRequest, pk: int) -> HttpResponse:
    slot = _slot(request, pk)
    response = HttpResponse(_table(occupancy.guests(slot)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="slot-{slot.pk}.csv"'
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def _stand_at(request: HttpRequest, pk: int) -> HttpResponse:
    """From now on this browser checks in for this slot alone, or for every slot again."""
    slot = _slot(request, pk)
    if request.session.get(DOOR) == slot.pk:
        del request.session[DOOR]
    else:
        request.session[DOOR] = slot.pk
    return redirect("admin:bookings_slot_occupancy", slot.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def _check_in(request: HttpRequest, token: str) -> HttpResponse:
    """What the code is worth; a POST checks in. A GET changes nothing: cameras open addresses by themselves."""
    if not _user(request).has_perm("bookings.check_in"):
        raise PermissionDenied
    wanted: dict[str, Any] = {"slot_id": request.session.get(DOOR), "now": timezone.now()}
    try:
        if request.method == "POST":
            found = check_in.check_in(token, **wanted, note=lambda booking: _record(request, booking))
            level = messages.SUCCESS if found.state is State.DONE else messages.WARNING
            messages.add_message(request, level, SAID[found.state])
            return redirect("admin:bookings_booking_check_in", token)
        found = check_in.look(token, **wanted)
    except check_in.InvalidTicket:
        raise Http404("This code is not ours, or its booking is gone.") from None
    context = {
        "title": f"Check in booking {found.booking.pk}",
        "booking": found.booking,
        "state": found.state,
        "said": SAID[found.state],
        "is_ready": found.state is State.READY,
        "may_see_who": _user(request).has_perm("bookings.see_occupancy"),
        "opts": Booking._meta,
    }
    return _page(request, "check_in.html", context)


def _record(request: HttpRequest, booking: Booking) -> None:
    record("check_in", actor=Actor.of(_user(request)), subject=f"booking:{booking.pk}")


def _slot(request: HttpRequest, pk: int) -> Slot:
    if not _user(request).has_perm("bookings.see_occupancy"):
        raise PermissionDenied
    return get_object_or_404(Slot, pk=pk)


def _user(request: HttpRequest) -> Any:
    return request.user


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    request.current_app = admin.site.name
    response = TemplateResponse(request, f"admin/bookings/{template}", {**admin.site.each_context(request), **context})
    response["Cache-Control"] = "no-store"
    return response


def _table(people: Iterable[Guest]) -> str:
    """A table for spreadsheets, in which nothing that somebody typed is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for guest in people:
        moments = (_moment(guest.booked_at), _moment(guest.checked_in_at))
        writer.writerow(map(cell, (guest.booking, guest.name, guest.seats, guest.phone, guest.email, *moments)))
    return "\ufeff" + out.getvalue()  # with a mark, by which spreadsheets know UTF-8


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""
