"""The business's logo, the file BUSINESS_LOGO: PNG or JPEG, checked when a process starts.

No SVG: it can hold scripts, and mail programs do not show it.
"""

from dataclasses import replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from notifications.outbox import Attachment, Facts, Kind

MOST_BYTES = 100_000  # it goes with every email
MOST_PIXELS = 2000  # to a side
TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}


_carriers: set[str] = set()  # kinds whose emails have the logo with them


class UnusableLogo(ValueError):
    """The file is no logo; the text says why, and what to do."""


class Logo(NamedTuple):
    """An image as it was read. Its sides are in pixels."""

    content: bytes
    content_type: str
    width: int
    height: int


def logo() -> Logo | None:
    """The business's logo; None without one. Raises UnusableLogo."""
    path: str = settings.BUSINESS_LOGO
    return _read(path) if path else None


def with_logo(kind: Kind) -> Kind:
    """`kind`, whose emails show the logo as <img src="cid:logo">, if there is one; the check names a bad one."""
    _carriers.discard(kind.name)
    try:
        found = logo()
    except UnusableLogo:
        return kind
    if found is None or "email" not in kind.channels:
        return kind
    _carriers.add(kind.name)
    name = f"logo.{found.content_type.removeprefix('image/')}"
    image = Attachment(name, found.content_type, build=_content, cid="logo", most_bytes=MOST_BYTES)
    return replace(kind, attachments=(*kind.attachments, image))


def goes_with(kind: str) -> bool:
    """Whether the emails of the kind of this name have the logo with them, so that their HTML may show it."""
    return kind in _carriers


def _content(_: Facts) -> bytes | None:
    found = logo()
    return found and found.content


@lru_cache(4)
def _read(path: str) -> Logo:
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UnusableLogo(f"BUSINESS_LOGO cannot be read: {error.strerror or type(error).__name__}.") from error
    if len(content) > MOST_BYTES:
        raise UnusableLogo(
            f"BUSINESS_LOGO is larger than {MOST_BYTES:,} bytes. Make it smaller: it goes with every email."
        )
    from PIL import Image  # noqa: PLC0415  (most businesses' processes need none of it)

    try:
        with Image.open(BytesIO(content), formats=list(TYPES)) as image:
            found = Logo(content, TYPES[str(image.format)], *image.size)
            image.verify()
    except Exception as error:  # the library raises many kinds for what is no image
        raise UnusableLogo("BUSINESS_LOGO must be a PNG or a JPEG, and the file is neither, or broken.") from error
    if max(found.width, found.height) > MOST_PIXELS:
        raise UnusableLogo(f"BUSINESS_LOGO has {found.width} × {found.height} pixels: at most {MOST_PIXELS} to a side.")
    return found


@register(Tags.compatibility)
def the_logo_is_an_image(**_: object) -> list[CheckMessage]:
    """BUSINESS_LOGO is a PNG or JPEG that goes with every email."""
    try:
        logo()
    except UnusableLogo as error:
        return [Error(str(error), id="bookings.E001")]
    return []
