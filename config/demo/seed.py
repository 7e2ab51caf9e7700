"""The demo's slots, customers and staff: made once, found again by the next demo."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db.models import F, Sum

from bookings.models import Slot
from notifications import outbox

PASSWORD = "demo"  # noqa: S105  (printed by the demo)
STAFF = "admin"


class Offer(NamedTuple):
    """What can be booked: at which hour it begins, for how many hours, where, and what it is."""

    hour: int
    hours: int
    place: str
    description: str


OFFERS = {
    "Sunset kayak tour": Offer(
        17, 2, "Boathouse, Uferweg 1, Lindau", "Boat, paddle and life jacket are there for you."
    ),
    "Pottery class": Offer(10, 3, "Workshop, Uferweg 3, Lindau", "Two bowls each. We fire and keep them for you."),
    "Wine tasting": Offer(19, 2, "Old cellar, Seegasse 8, Lindau", "Six wines of the lake, with bread and cheese."),
    "City walk": Offer(11, 2, "Harbour lighthouse, Lindau", "From the harbour to the old town, in all weathers."),
    "Climbing course": Offer(14, 3, "Climbing hall, Bergstraße 20, Lindau", "For beginners. Shoes can be borrowed."),
    "Sailing lesson": Offer(13, 4, "Boathouse, Uferweg 1, Lindau", "You steer; a teacher is on board."),
}
TITLES = tuple(OFFERS)
MAP = "https://www.openstreetmap.org/?mlat=47.5442&mlon=9.6831"


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the demo, and where the providers would reach them."""

    username: str
    phone: str
    email: str


def slots(*, seats: int, now: datetime) -> int:
    """Make sure that `seats` seats can be booked: of the same slots, however often it is run. Returns their number."""
    offered = Slot.objects.filter(title__in=TITLES, starts_at__gt=now + timedelta(days=1), cancelled_at=None)
    missing = [title for title in TITLES if title not in set(offered.values_list("title", flat=True))]
    each = -(-seats // len(TITLES))
    first = now.astimezone(ZoneInfo(settings.VENUE_TIME_ZONE)) + timedelta(days=14)
    Slot.objects.bulk_create(_slot(title, first=first, capacity=each) for title in missing)
    free = offered.aggregate(free=Sum(F("capacity") - F("seats_taken")))["free"]
    if free < seats:
        offered.update(capacity=F("capacity") + -(-(seats - free) // offered.count()))
    return offered.count()


def _slot(title: str, *, first: datetime, capacity: int) -> Slot:
    day, offer = TITLES.index(title), OFFERS[title]
    begins = (first + timedelta(days=day)).replace(hour=offer.hour, minute=0, second=0, microsecond=0)
    return Slot(
        title=title,
        capacity=capacity,
        price=1250 + 500 * day,
        currency="EUR",
        late_refund_percent=50,
        starts_at=begins,
        ends_at=begins + timedelta(hours=offer.hours),
        place=offer.place,
        map_url=MAP,
        description=offer.description,
    )


def customers(number: int) -> list[Customer]:
    """`number` customers with a phone and an address of their own."""
    wanted = [
        Customer(f"customer{index}", f"+1415555{index:04}", f"customer{index}@example.com")
        for index in range(1, number + 1)
    ]
    known = set(User.objects.filter(username__in=[each.username for each in wanted]).values_list("username", flat=True))
    missing = [each for each in wanted if each.username not in known]
    _create(missing)
    return wanted


def staff() -> None:
    """A staff account with every permission."""
    if not User.objects.filter(username=STAFF).exists():
        User.objects.create_superuser(STAFF, f"{STAFF}@example.com", PASSWORD)


def _create(customers: Sequence[Customer]) -> None:
    password = make_password(PASSWORD)
    users = User.objects.bulk_create(
        User(username=each.username, email=each.email, password=password) for each in customers
    )
    for user, customer in zip(users, customers, strict=True):
        outbox.change_contact(user, phone=customer.phone, email=customer.email)
