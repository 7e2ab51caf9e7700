"""The metrics of one relay process, counted from its own events. `run_outbox_relay --metrics-port` serves them.

Prometheus adds these up over all relays. `outbox_metrics` reads the state of the whole outbox (depth, age, channels)
from the database instead.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from prometheus_client import make_wsgi_app
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, CollectorRegistry

from notifications.monitoring.counters import Count, Distribution
from notifications.monitoring.metrics_server import Application
from notifications.telemetry import current_loop

SEND_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30)
END_TO_END_BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43200)
DATABASE_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


ENDS = {
    "message.sent": "sent",
    "message.failed": "failed",
    "message.expired": "expired",
    "message.suppressed": "cancelled",
}
EVENTS = {  # events that are only counted: the counter's name and help text
    "message.handed_back": ("outbox_handed_back", "Messages claimed and not begun, given back at a stop."),
    "message.rescued": ("outbox_rescued", "Messages taken over from relays that were lost: outcome unknown."),
    "settle.stale": ("outbox_stale_settles", "Outcomes that came after the lease was lost, and changed nothing."),
    "dispatch.error": ("outbox_dispatch_errors", "Bugs in channels, counted as unknown outcomes."),
    "contact.failed": ("outbox_contact_failures", "Times that OUTBOX_CONTACT_OF failed, and the copy was used."),
    "relay.declared_dead": ("outbox_relays_declared_dead", "Other relays that this one declared dead."),
    "relay.outlived": ("outbox_relay_outlived", "Times that this relay was declared dead while it lived."),
    "relay.disconnected": ("outbox_database_disconnects", "Times that the database was away."),
    "channel.broken": ("outbox_channel_breaks", "Times that this relay saw a provider go out of service."),
}


class RelayMetrics(Collector):
    """A telemetry subscriber that counts."""

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._outcomes = Count("outcomes", "By event and answer.", ("event", "channel", "kind", "answer"))
        self._send = Distribution(
            "outbox_send_seconds", "Length of an attempt, rendering included.", ("channel",), bounds=SEND_BOUNDS
        )
        self._end_to_end = Distribution(
            "outbox_end_to_end_seconds",
            "From a message's publication to its provider's acceptance. A replay counts from the publication too.",
            ("channel",),
            bounds=END_TO_END_BOUNDS,
        )
        self._claims = Distribution("outbox_claim_seconds", "Claims that found something.", bounds=DATABASE_BOUNDS)
        self._settles = Distribution("outbox_settle_seconds", "Settles.", bounds=DATABASE_BOUNDS)
        self._claimed = Count("outbox_claimed", "Messages claimed.")
        self._settled = Count("outbox_settled", "Outcomes written.")
        self._counts = {event: Count(*words) for event, words in EVENTS.items()}
        self._in_flight: dict[str, float] = {}  # by loop, of which a process has one for each database
        self._beat_at: dict[str, float] = {}
        self._handlers: dict[str, Callable[[str, Mapping[str, Any]], None]] = {
            **dict.fromkeys(self._counts, self._count),
            **dict.fromkeys((*ENDS, "message.retry"), self._add_outcome),
            "claim.made": self._add_claim,
            "settle.made": self._add_settle,
            "relay.beat": self._beat,
        }

    def __call__(self, event: str, fields: Mapping[str, Any]) -> None:
        if (handle := self._handlers.get(event)) is not None:
            handle(event, fields)

    def collect(self) -> Iterator[Metric]:
        yield from self._outcome_families()
        for tally in (self._send, self._end_to_end, self._claims, self._settles, self._claimed, self._settled):
            yield from tally.collect()
        for count in self._counts.values():
            yield from count.collect()
        yield GaugeMetricFamily(
            "outbox_relay_messages_in_flight",
            "Messages claimed by this relay and not settled.",
            value=sum(self._in_flight.values()),
        )
        yield GaugeMetricFamily(
            "outbox_relay_last_beat_timestamp_seconds",
            "When this relay last extended its lease; of several databases' leases, the one extended longest ago.",
            value=min(self._beat_at.values(), default=0.0),
        )

    def _count(self, event: str, _: Mapping[str, Any]) -> None:
        self._counts[event].add()

    def _add_outcome(self, event: str, fields: Mapping[str, Any]) -> None:
        channel, answer = fields["channel"], fields["answer"] or ""
        self._outcomes.add(event, channel, fields["kind"], answer)
        if answer:
            self._send.add(channel, seconds=fields["seconds"])
        if event == "message.sent" and (age := fields["age"]) is not None:
            self._end_to_end.add(channel, seconds=max(age, 0.0))

    def _add_claim(self, _: str, fields: Mapping[str, Any]) -> None:
        self._claimed.add(amount=fields["messages"])
        self._claims.add(seconds=fields["seconds"])

    def _add_settle(self, _: str, fields: Mapping[str, Any]) -> None:
        self._settled.add(amount=fields["messages"])
        self._settles.add(seconds=fields["seconds"])

    def _beat(self, _: str, fields: Mapping[str, Any]) -> None:
        self._in_flight[current_loop.get()], self._beat_at[current_loop.get()] = fields["in_flight"], self._now()

    def _outcome_families(self) -> Iterator[Metric]:
        """Attempts and ends, both summed from the outcomes at a scrape: sending counts each outcome only once."""
        attempts = Count("outbox_attempts", "Attempts to send, by what they came to.", ("channel", "kind", "answer"))
        ended = Count("outbox_messages_ended", "Messages that ended.", ("channel", "kind", "status"))
        for (event, channel, kind, answer), number in self._outcomes.values().items():
            if answer:
                attempts.add(channel, kind, answer, amount=number)
            if event in ENDS:
                ended.add(channel, kind, ENDS[event], amount=number)
        yield from attempts.collect()
        yield from ended.collect()


def application(counted: RelayMetrics) -> Application:
    """Serves the counts, and the process's use of the machine."""
    registry = CollectorRegistry()
    registry.register(counted)
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return cast("Application", make_wsgi_app(registry))
