"""The business's own figures for /metrics, beside the outbox's. See OUTBOX_METRICS in the settings."""

from collections.abc import Iterable, Iterator

from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bookings import seats
from bookings.models import Slot


class SeatMetrics(Collector):
    """Reads the slots that have not ended; `manage.py check_seats` looks at all."""

    def describe(self) -> Iterable[Metric]:
        """Describe nothing, so that nothing is read before a scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        wrong = seats.mismatches(Slot.objects.filter(ends_at__gt=timezone.now()))
        yield GaugeMetricFamily(
            "bookings_slots_miscounted",
            "Slots to come whose seats taken are not what their orders hold; manage.py check_seats names them.",
            value=len(wrong),
        )
