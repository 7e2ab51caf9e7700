"""Where a slot takes place, in whose time zone, and whether customers see it."""

import re
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from bookings.business import business

WEB_ADDRESS = re.compile(r"https?://[^\s\"'<>\\]+")
MOST_URL, MOST_DESCRIPTION = 500, 2000  # characters


def check_time_zone(name: str) -> None:
    """Raises ValidationError unless `name` is a time zone of the IANA database."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ValidationError(f"{name[:64]!r} is no time zone, as in Europe/Berlin.") from None


def check_web_address(url: str) -> None:
    """Raises ValidationError unless `url` is a link that customers may be sent to."""
    if not WEB_ADDRESS.fullmatch(url):
        raise ValidationError("A link must begin with https:// or http://, and hold no spaces or quotes.")


class Place(models.Model):
    """What a slot says of itself besides its time and price. Texts are empty where nothing was said."""

    place = models.CharField(max_length=200, blank=True, db_default="", default="", help_text="an address")
    map_url = models.CharField(
        "map link",
        max_length=MOST_URL,
        blank=True,
        db_default="",
        default="",
        validators=[check_web_address],
        help_text="https://…",
    )
    description = models.TextField(max_length=MOST_DESCRIPTION, blank=True, db_default="", default="")
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        default="",
        validators=[check_time_zone],
        help_text="of the place, as in Europe/Berlin; empty: the business's",
    )
    is_published = models.BooleanField(
        "published", default=True, db_default=True, help_text="hidden ones are not shown, and cannot be booked"
    )

    class Meta:
        abstract = True

    @property
    def zone(self) -> str:
        """The time zone in which its times are read: its own, or the business's."""
        return self.time_zone or business().time_zone

    @property
    def clock(self) -> ZoneInfo:
        """That time zone; the business's where this host does not know it."""
        try:
            return ZoneInfo(self.zone)
        except (ValueError, OSError, LookupError):
            return ZoneInfo(business().time_zone)


IS_A_LINK = models.CheckConstraint(
    condition=Q(map_url="") | Q(map_url__regex=r"^https?://[^[:space:]\"'<>\\]+$"),
    name="slot_map_url_is_a_link",
    violation_error_message="A link must begin with https:// or http://, and hold no spaces or quotes.",
)
