"""A logo that is no image, or too large, is an error of the check that says what to do; a good one goes with emails."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bookings.announcements import BOOKING_CONFIRMED
from bookings.business_logo import MOST_BYTES, logo, the_logo_is_an_image, with_logo
from bookings.shared_context import context_of
from notifications import verification
from notifications.outbox import Facts


def _png(width: int = 40, height: int = 20, kind: str = "PNG") -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, height), "navy").save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "must be a PNG or a JPEG"),
        (_png()[:40], "must be a PNG or a JPEG"),
        (_png(kind="GIF"), "must be a PNG or a JPEG"),
        (b"", "must be a PNG or a JPEG"),
        (b"\x89PNG" + b"x" * MOST_BYTES, "larger than 100,000 bytes"),
        (_png(2001, 1), "2001 × 1 pixels"),
        (None, "cannot be read: No such file"),
    ],
)
def test_what_is_no_logo_is_said(content: bytes | None, problem: str, tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "logo.png"
    if content is not None:
        path.write_bytes(content)
    settings.BUSINESS_LOGO = str(path)
    (error,) = the_logo_is_an_image()
    assert problem in error.msg
    assert with_logo(BOOKING_CONFIRMED) == BOOKING_CONFIRMED


def test_a_logo_goes_with_every_email(tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "logo"
    path.write_bytes(_png(kind="JPEG"))
    settings.BUSINESS_LOGO = str(path)
    assert the_logo_is_an_image() == []
    found = logo()
    assert found is not None
    assert (found.content_type, found.width) == ("image/jpeg", 40)
    assert with_logo(BOOKING_CONFIRMED).attachments[-1].cid == "logo"
    for kind in (BOOKING_CONFIRMED, *verification.kinds()):
        is_email = "email" in kind.channels
        assert bool(with_logo(kind).attachments[len(kind.attachments) :]) == is_email, kind.name
        assert context_of(Facts(kind.name, "email", {}, "en", "UTC"))["logo"] == is_email, "else a broken image"
    settings.BUSINESS_LOGO = ""
    for kind in (BOOKING_CONFIRMED, *verification.kinds()):
        with_logo(kind)
        assert not context_of(Facts(kind.name, "email", {}, "en", "UTC"))["logo"]
