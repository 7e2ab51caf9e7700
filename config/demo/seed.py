"""The demo's slots, customers and staff: made once, found again by the next demo."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db.models import F, Sum

from bookings.models import Slot
from notifications import outbox

PASSWORD = "demo"  # noqa: S105  (printed by the demo)
STAFF = "admin"
TITLES = ("Sunset kayak tour", "Pottery class", "Wine tasting", "City walk", "Climbing course", "Sailing lesson")


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the demo, and where the providers would reach them."""

    username: str
    phone: str
    email: str


def slots(*, seats: int, now: datetime) -> int:
    """Make sure that `seats` seats can be booked. Returns the number of slots."""
    bookable = Slot.objects.filter(starts_at__gt=now + timedelta(days=1))
    free = bookable.aggregate(free=Sum(F("capacity") - F("seats_taken")))["free"] or 0
    if free < seats:
        each = -(-seats // len(TITLES))
        start = (now + timedelta(days=14)).replace(hour=17, minute=0, second=0, microsecond=0)
        Slot.objects.bulk_create(
            Slot(
                title=title,
                starts_at=start + timedelta(days=day),
                ends_at=start + timedelta(days=day, hours=2),
                capacity=each,
                price=1250 + 500 * day,
                currency="EUR",
            )
            for day, title in enumerate(TITLES)
        )
    return bookable.filter(seats_taken__lt=F("capacity")).count()


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
