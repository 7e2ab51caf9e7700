"""The project's web with one change: a booking is announced by three Celery tasks after the commit, as is usual."""

from functools import partial
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.db import transaction

application = get_wsgi_application()

from bookings import announcements  # noqa: E402  (models, which the line above makes ready)
from tests.benchmarks.contenders.celery import deliver  # noqa: E402


def booking_confirmed(booking: Any) -> list[Any]:
    """Has three messages sent, which the answer does not show: nobody keeps them."""
    for _ in range(3):
        transaction.on_commit(partial(deliver.delay, booking.pk, booking.user_id))
    return []


announcements.booking_confirmed = booking_confirmed
