"""The receipt of a booking as PDF: who was paid what for what, by whom, and the code for the door.

It is drawn, not laid out from markup: what somebody typed is text and nothing else. The same message makes the same
bytes.
"""

import io
from collections.abc import Iterator
from threading import Lock
from typing import Any

from django.template import engines
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from bookings.business import business
from bookings.business_logo import logo
from bookings.documents.fonts import line_width, wrapped, write_line
from bookings.documents.ticket import png
from bookings.documents.words import words_in
from notifications.outbox import Facts

LEFT, RIGHT, TOP = 22 * mm, A4[0] - 22 * mm, A4[1] - 25 * mm
VALUES = LEFT + 40 * mm
MOST_LINES = 4  # of one text: a title has at most 200 characters
INK, QUIET = HexColor("#1f2328"), HexColor("#59636e")
MONEY = "{% load notifications %}{{ amount|money:currency }}"
WHEN = "{% load notifications %}{{ starts_at|local_at:time_zone }}"
DAY = "{% load notifications %}{{ paid_at|local_day }}"

_one_at_a_time = Lock()  # the library keeps what it knows of a font's letters in the font


def of_booking(message: Facts) -> bytes | None:
    """The receipt; None for a message of an earlier release, which does not say enough."""
    if "paid_at" not in message.context:
        return None
    with _one_at_a_time:
        return _drawn(message)


def _drawn(message: Facts) -> bytes:
    out, said, about = io.BytesIO(), words_in(message.locale), message.context
    page = Canvas(out, pagesize=A4, invariant=1, pageCompression=1)
    page.setTitle(f"{said['receipt']} {about['booking']}")
    page.setAuthor(business().name)
    y = _head(page)
    y = _text(page, y - 14 * mm, LEFT, said["receipt"], size=20)
    y = _text(page, y - 1 * mm, LEFT, said["booking"].format(about["booking"]), size=11, color=QUIET) - 4 * mm
    for label, value in _rows(message, said):
        _text(page, y, LEFT, label, size=10, color=QUIET)
        y = _text(page, y, VALUES, value, size=11) - 1.5 * mm
    if about.get("check_in"):
        size = 42 * mm
        page.drawImage(ImageReader(io.BytesIO(png(about["check_in"]))), LEFT - 4 * mm, y - size - 4 * mm, size, size)
        _text(page, y - size - 8 * mm, LEFT, said["show"], size=9, color=QUIET)
    _foot(page)
    page.showPage()
    page.save()
    return out.getvalue()


def _head(page: Canvas) -> float:
    """Who we are: logo and name, address and contacts below each other. Returns where the next line stands."""
    who, y = business(), TOP
    if picture := logo():
        height = 16 * mm
        width = min(height * picture.width / picture.height, 70 * mm)
        image = ImageReader(io.BytesIO(picture.content))
        page.drawImage(image, LEFT, y - height, width, height, mask="auto", preserveAspectRatio=True, anchor="sw")
        y -= height + 8 * mm
    y = _text(page, y, LEFT, who.name, size=14)
    for line in (*who.address, *filter(None, (who.email, who.phone, who.website))):
        y = _text(page, y, LEFT, line, size=9, color=QUIET)
    return y


def _foot(page: Canvas) -> None:
    y = 12 * mm + 4 * mm * len(business().legal)
    for line in business().legal:
        y = _text(page, y, LEFT, line, size=8, color=QUIET)


def _rows(message: Facts, said: dict[str, str]) -> Iterator[tuple[str, str]]:
    about = message.context
    facts = {"time_zone": business().time_zone, **about}
    if about.get("name"):
        yield said["for"], about["name"]
    yield said["what"], about["title"]
    yield said["when"], _rendered(WHEN, facts)
    if about.get("place"):
        yield said["where"], about["place"]
    yield said["seats"], str(about["quantity"])
    yield said["paid_on"], _rendered(DAY, facts)
    yield said["total"], _rendered(MONEY, facts)


def _rendered(source: str, facts: dict[str, Any]) -> str:
    """By the filters of messages: the message's language and time zone are active."""
    return str(engines["django"].from_string(source).render(facts))


def _text(page: Canvas, y: float, x: float, text: str, *, size: float, color: HexColor = INK) -> float:
    """Write `text`, in several lines where it is long; returns where the next line stands."""
    page.setFillColor(color)
    lines = list(wrapped(text, size, RIGHT - x))
    for number, line in enumerate(lines[:MOST_LINES]):
        is_cut = number == MOST_LINES - 1 and len(lines) > MOST_LINES
        write_line(page, x, y, f"{line[:-1]}…" if is_cut and line_width(line, size) else line, size)
        y -= size * 1.4
    return y
