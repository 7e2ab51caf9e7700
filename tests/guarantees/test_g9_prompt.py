"""G9: an idle relay calls the provider within milliseconds of the commit, and what a dead one held moves on in seconds.

`make bench` measures the first by the millisecond (p50 ≤ 3 ms, p99 ≤ 10 ms). Here the bounds leave room for a busy
machine, and none for a relay that only polls, or that waits for its next heartbeat: that comes every 0.6 s.
"""

import statistics
import time
from collections.abc import Callable

import pytest

from notifications import conf
from notifications.channels.base import Outgoing
from notifications.lifecycle import Accepted, Outcome, Transient
from notifications.models import OutboxMessage, Recipient, Relay
from notifications.policy.retry import RetryPolicy
from notifications.relay.rescue import SETTLED_SESSION_SECONDS
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import HandRelay, RecordingChannel, running_loop
from tests.stage.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("commits_reach_the_disk")]
needs_a_session = pytest.mark.skipif(
    conf.rescue() == "lease", reason="a proxy that pools transactions has no LISTEN and no session locks"
)

SERIES = 3  # of which the best counts: what disturbs the machine does not last
MOST_MEDIAN_SECONDS, MOST_P99_SECONDS = 0.030, 0.200
LEASE_SECONDS = 3.0


class Clocked(RecordingChannel):
    """Notes when each message reached the provider."""

    def __init__(self) -> None:
        super().__init__()
        self.reached: dict[int, float] = {}

    def send(self, outgoing: Outgoing, deadline: object) -> Outcome:
        self.reached[outgoing.message_id] = time.perf_counter()
        return Accepted("provider")


def latencies(channel: Clocked, recipients: list[Recipient]) -> list[float]:
    """From commit to the provider's call, one message at a time, sorted; in seconds."""
    took = []
    for recipient in recipients:
        message = publish_one(recipient)
        committed = time.perf_counter()
        wait_until(lambda message=message: message.pk in channel.reached)
        took.append(channel.reached[message.pk] - committed)
    return sorted(took)


@needs_a_session
def test_an_idle_relay_calls_the_provider_within_milliseconds_of_the_commit() -> None:
    channel = Clocked()
    recipients = RecipientFactory.create_batch(50)
    with running_loop(channel):
        latencies(channel, recipients[:10])  # it is up, and warm
        series = [latencies(channel, recipients) for _ in range(SERIES)]
    assert min(statistics.median(each) for each in series) <= MOST_MEDIAN_SECONDS
    assert min(each[int(0.99 * (len(each) - 1))] for each in series) <= MOST_P99_SECONDS


def held_by(relay: HandRelay, number: int = 5) -> list[OutboxMessage]:
    """Messages that `relay` has claimed."""
    messages = [publish_one(recipient) for recipient in RecipientFactory.create_batch(number)]
    assert len(relay.claim()) == number
    return messages


def beat_until_an_heir_has_settled_in(relay: HandRelay) -> float:
    """Keep `relay` alive until another relay may declare it dead; returns when it beat last."""
    settled_at = time.monotonic() + SETTLED_SESSION_SECONDS + 0.3
    while time.monotonic() < settled_at or Relay.objects.count() < 2:
        relay.lease.beat(relay.connection, in_flight=0)
        beat_at = time.monotonic()
        time.sleep(0.1)
    return beat_at


def seconds_until_sent(messages: list[OutboxMessage], *, since: float) -> float:
    waiting = OutboxMessage.objects.filter(pk__in=[message.pk for message in messages]).exclude(status="sent")
    wait_until(lambda: not waiting.exists())
    return time.monotonic() - since


@needs_a_session
def test_a_killed_relays_messages_move_again_within_two_seconds(hand_relay: Callable[..., HandRelay]) -> None:
    doomed = hand_relay()
    messages = held_by(doomed)
    with running_loop(RecordingChannel()):
        beat_until_an_heir_has_settled_in(doomed)
        doomed.close()  # as the kernel does for a process that was killed
        assert seconds_until_sent(messages, since=time.monotonic()) <= 2.0


@needs_a_session
def test_a_lost_hosts_messages_move_within_the_lease(hand_relay: Callable[..., HandRelay]) -> None:
    """Its session looks alive to the server, lock and all; only its heart has stopped."""
    lost = hand_relay(lease_seconds=LEASE_SECONDS)
    messages = held_by(lost)
    with running_loop(RecordingChannel()):
        took = seconds_until_sent(messages, since=beat_until_an_heir_has_settled_in(lost))
    assert LEASE_SECONDS - 0.5 <= took <= LEASE_SECONDS + 1.0, "not before it is over, and with the next heartbeat"


def test_a_retry_fires_when_it_is_due_and_not_at_the_next_poll() -> None:
    failed: set[int] = set()

    def once(outgoing: Outgoing) -> Outcome:
        if outgoing.message_id in failed:
            return Accepted("provider")
        failed.add(outgoing.message_id)
        return Transient("connection_refused")

    patient = RetryPolicy(max_attempts=3, backoff_seconds=2.0, backoff_max_seconds=2.0, max_rescues=5)
    with running_loop(RecordingChannel(answer=once), policy=patient):
        messages = [publish_one(recipient) for recipient in RecipientFactory.create_batch(4)]
        seconds_until_sent(messages, since=0.0)
    lags = []
    for message in OutboxMessage.objects.all():
        second = message.deliveries.get(claim_number=2)
        lags.append((second.started_at - message.next_attempt_at).total_seconds())
    assert min(lags) >= 0, "not before it is due"
    assert statistics.median(lags) <= 0.15
