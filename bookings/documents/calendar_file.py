"""The calendar file of a booking (RFC 5545): an event that moves and is cancelled with it (RFC 5546, iTIP).

Its UID and SEQUENCE are in the message (bookings/calendar_event). Times are in UTC, which every calendar shows in its
reader's time zone.
"""

from datetime import UTC, datetime
from email.utils import parseaddr

from django.conf import settings
from icalendar import Calendar, Event, vCalAddress, vText

from bookings import booking_links
from bookings.business import business
from bookings.documents.words import words_in
from notifications.outbox import Facts

PRODUCT = "-//Bookings//EN"


def of_booking(message: Facts) -> bytes | None:
    """The event, to be put into the calendar or to be moved there."""
    return _file(message, method="REQUEST", status="CONFIRMED")


def of_cancellation(message: Facts) -> bytes | None:
    """The end of the event, by which the calendar strikes it out."""
    return _file(message, method="CANCEL", status="CANCELLED")


def to_keep(message: Facts) -> bytes | None:
    """The event for who fetches it from a page: nobody invites them, so it names no guest of it."""
    return _file(message._replace(address=""), method="PUBLISH", status="CONFIRMED")


def _file(message: Facts, *, method: str, status: str) -> bytes | None:
    about = message.context
    if not about.get("calendar") or not about.get("ends_at"):
        return None  # published by an earlier release
    event = Event()
    event.add("uid", about["calendar"]["uid"])
    event.add("sequence", about["calendar"]["sequence"])
    event.add("dtstamp", _moment(about["calendar"]["stamp"]))
    event.add("dtstart", _moment(about["starts_at"]))
    event.add("dtend", _moment(about["ends_at"]))
    event.add("summary", _plain(about["title"]))
    event.add("status", status)
    event.add("transp", "OPAQUE")
    if about.get("place"):
        event.add("location", _plain(about["place"]))
    link = booking_links.link_for(about["booking"])
    if link:
        event.add("url", link)
    said = words_in(message.locale)
    event.add("description", "\n".join(filter(None, (said["booking"].format(about["booking"]), business().name, link))))
    event.add("organizer", _person(business().email or parseaddr(settings.DEFAULT_FROM_EMAIL)[1], business().name))
    if message.address:
        attendee = _person(message.address)
        attendee.params["PARTSTAT"], attendee.params["RSVP"] = vText("ACCEPTED"), vText("FALSE")
        event.add("attendee", attendee, encode=False)
    return _calendar(event, method)


def _calendar(event: Event, method: str) -> bytes:
    calendar = Calendar()
    for name, value in {"version": "2.0", "prodid": PRODUCT, "calscale": "GREGORIAN", "method": method}.items():
        calendar.add(name, value)
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


def _person(address: str, name: str = "") -> vCalAddress:
    person = vCalAddress(f"mailto:{address}")
    if name:
        person.params["CN"] = vText(_plain(name).replace('"', "'"))
    return person


def _plain(text: str) -> str:
    """On one line: what somebody typed ends no line of ours. The library escapes the rest."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
