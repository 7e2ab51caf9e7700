"""The code that a customer shows at the door: a QR code (ISO/IEC 18004) of the address that staff check in with."""

import io
from functools import lru_cache

import segno

from notifications.outbox import Facts

REMEMBERED = 64  # images: the ticket and the receipt of a message, and another attempt at it
MASK = 2  # any of the eight is valid; to compare all takes longer than the rest
PIXELS = 6  # of one module: some 250 in all, as large as a thumb on a phone


def of_booking(message: Facts) -> bytes | None:
    """The code as an image; None for a message that was published without an address for it."""
    link = message.context.get("check_in")
    return png(link) if link else None


@lru_cache(REMEMBERED)
def png(link: str) -> bytes:
    """The QR code of `link` as PNG, black on white, so that cameras read it in the dark mode, too."""
    out = io.BytesIO()
    code_of(link).save(out, kind="png", scale=PIXELS, border=4, light="white")
    return out.getvalue()


def code_of(link: str) -> segno.QRCode:
    """The QR code of `link`, which still reads with 15 % of it dirty."""
    return segno.make_qr(link, error="m", mask=MASK)
