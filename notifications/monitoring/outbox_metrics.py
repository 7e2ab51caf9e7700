"""The whole outbox as Prometheus metrics, read from the database when they are scraped.

Every web process gives the same answer, because none of them counts anything. `relay_metrics` has what a single relay
counts itself.
"""

from collections.abc import Iterable, Iterator

from django.db import DEFAULT_DB_ALIAS
from django.utils.module_loading import import_string
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from notifications import conf
from notifications.channels import channel_names
from notifications.channels.routes import route_keys
from notifications.models import Alert
from notifications.monitoring import queries
from notifications.protocol.run_sql import fetch_all
from notifications.selectors import overview

STATES = ("open", "paused", "broken")


def registry(using: str = DEFAULT_DB_ALIAS) -> CollectorRegistry:
    """The metrics that /metrics serves."""
    made = CollectorRegistry(auto_describe=False)
    made.register(OutboxMetrics(using))
    for path in conf.metrics():
        made.register(import_string(path)())
    return made


class OutboxMetrics(Collector):
    """Reads the database `using` anew for each scrape."""

    def __init__(self, using: str) -> None:
        self._using = using

    def describe(self) -> Iterable[Metric]:
        """Describe nothing, so that nothing is read before a scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self._depth()
        yield from self._channels()
        yield from self._history()
        yield from self._relays()
        yield from self._surroundings()

    def _depth(self) -> Iterator[Metric]:
        now = overview.overview(self._using)
        yield _gauge(
            "outbox_messages",
            "Messages by status; of a large table's finished ones, an estimate.",
            "status",
            now.messages,
        )
        yield _gauge("outbox_lanes", "Lanes with a head; blocked: it waits for a retry.", "state", now.lanes)
        waiting = GaugeMetricFamily(
            "outbox_waiting_messages",
            "Unfinished messages: due, later (a retry), queued (behind an older one of their lane), sending.",
            labels=("channel", "state"),
        )
        counts = {(channel, state): 0 for channel in channel_names() for state in queries.WAITING_STATES}
        counts |= {(channel, state): count for channel, state, count in queries.waiting(self._using)}
        for labels, count in counts.items():
            waiting.add_metric(labels, count)
        yield waiting
        ages = dict.fromkeys(channel_names(), 0.0) | overview.oldest_due_by_channel(self._using)
        yield _gauge("outbox_oldest_due_seconds", "How long the oldest due message has waited.", "channel", ages)

    def _channels(self) -> Iterator[Metric]:
        states = GaugeMetricFamily(
            "outbox_channel_state",
            "1 for the state that a channel, or a route of one, is in: open, paused by somebody, broken (its "
            "provider is out of service).",
            labels=("channel", "state"),
        )
        known = {name: (paused, broken) for name, paused, broken, _ in fetch_all(queries.CHANNELS, using=self._using)}
        names = channel_names()
        for name in dict.fromkeys([*names, *(key for channel in names for key in route_keys(channel))]):
            paused, broken = known.get(name, (False, False))
            state = "paused" if paused else "broken" if broken else "open"
            for each in STATES:
                states.add_metric((name, each), float(each == state))
        yield states
        limits = {name: rate for name in channel_names() if (rate := conf.rate(name)) != float("inf")}
        yield _gauge(
            "outbox_channel_rate_limit", "Messages a second that a limited channel may send.", "channel", limits
        )

    def _history(self) -> Iterator[Metric]:
        ended = CounterMetricFamily(
            "outbox_recorded_ends",
            "Messages that ended, over all relays, past ones included.",
            labels=("channel", "status"),
        )
        attempts = CounterMetricFamily(
            "outbox_recorded_attempts", "Attempts, over all relays, past ones included.", labels=("channel", "answer")
        )
        replays = CounterMetricFamily(
            "outbox_recorded_replays", "Failed messages that were put back.", labels=("channel",)
        )
        none = dict.fromkeys((*queries.ENDS, *queries.ANSWERS, "replayed"), 0)
        for channel, counts in (dict.fromkeys(channel_names(), none) | queries.totals(self._using)).items():
            for status in queries.ENDS:
                ended.add_metric((channel, status), counts[status])
            for answer in queries.ANSWERS:
                attempts.add_metric((channel, answer), counts[answer])
            replays.add_metric((channel,), counts["replayed"])
        yield from (ended, attempts, replays)
        receipts = dict(fetch_all(queries.RECENT_RECEIPTS, using=self._using))
        yield _gauge(
            "outbox_recent_receipts", "Receipts of the last five minutes, by their status.", "status", receipts
        )

    def _relays(self) -> Iterator[Metric]:
        relays = fetch_all(queries.RELAY_AGES, using=self._using)
        yield GaugeMetricFamily("outbox_relays", "Relays that are registered.", value=len(relays))
        ages = GaugeMetricFamily(
            "outbox_relay_heartbeat_age_seconds", "Seconds since a relay's last heartbeat.", labels=("relay", "host")
        )
        in_flight = GaugeMetricFamily(
            "outbox_relay_in_flight", "Messages that a relay holds.", labels=("relay", "host")
        )
        for relay, host, held, age in relays:
            ages.add_metric((str(relay), host), max(age, 0.0))
            in_flight.add_metric((str(relay), host), held)
        yield from (ages, in_flight)

    def _surroundings(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "outbox_oldest_snapshot_seconds",
            "Age of the server's oldest snapshot or transaction, which keeps dead rows from being cleaned up.",
            value=queries.oldest_snapshot_seconds(self._using),
        )
        firing = Alert.objects.using(self._using).filter(is_firing=True).values_list("name", flat=True)
        yield _gauge(
            "outbox_alert_firing", "Alerts that the outbox has raised itself.", "alert", dict.fromkeys(firing, 1)
        )


def _gauge(name: str, documentation: str, label: str, values: dict[str, float] | dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=(label,))
    for each, value in values.items():
        family.add_metric((each,), value)
    return family
