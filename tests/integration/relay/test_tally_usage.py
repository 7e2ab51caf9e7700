"""Usage is counted by month, kind, channel and country: exact whoever is killed, and merged into few rows."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db.models import Sum

from notifications.lifecycle import Accepted, Permanent, Status, Transient
from notifications.models import Usage
from notifications.protocol import sql_usage
from notifications.protocol.histogram import SIZE
from notifications.relay import tally
from notifications.relay.messages import Settlement
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import HandRelay

pytestmark = pytest.mark.django_db(transaction=True)


def usage() -> dict[tuple[str, str, str], tuple[int, int]]:
    """How many were sent and failed, by kind, channel and country."""
    rows = Usage.objects.values_list("kind", "channel", "country").annotate(Sum("sent"), Sum("failed")).order_by()
    return {(kind, channel, country): (sent, failed) for kind, channel, country, sent, failed in rows}


def sent(message: Any) -> Settlement:
    return Settlement(message, Status.SENT, 1, outcome=Accepted("yes"), began=-0.2, ended=-0.1, address=message.phone)


def failed(message: Any) -> Settlement:
    return Settlement(message, Status.FAILED, 1, outcome=Permanent("no"), address=message.phone)


def of(country: str) -> tuple[str, str, str]:
    return "test.greeting", "sms", country


@pytest.fixture
def claimed(hand_relay: Callable[..., HandRelay]) -> tuple[HandRelay, list[Any]]:
    """A relay with messages to the United States, Canada and Germany in hand."""
    for phone in ("+14155550001", "+14165550002", "+4930901820", "+4930901821"):
        publish_one(RecipientFactory(phone=phone))
    relay = hand_relay()
    return relay, sorted(relay.claim(), key=lambda message: message.id)


def test_a_heartbeat_writes_what_was_sent_to_which_country(claimed: tuple[HandRelay, list[Any]]) -> None:
    relay, (america, canada, *germany) = claimed
    relay.settle(sent(america), failed(canada), *map(sent, germany))
    for _ in range(2):
        relay.lease.beat(relay.connection, in_flight=0, counts=relay.tally.as_json())
        relay.tally.clear()
    assert usage() == {of("US"): (1, 0), of("CA"): (0, 1), of("DE"): (2, 0)}
    assert {row.month.day for row in Usage.objects.all()} == {1}
    assert sum(Usage.objects.get(country="DE").delays) == 2


def test_a_retry_is_no_usage(claimed: tuple[HandRelay, list[Any]]) -> None:
    relay, (america, *_) = claimed
    relay.settle(Settlement(america, Status.PENDING, 1, delay=9.0, outcome=Transient("http_503"), address="+1415"))
    relay.lease.beat(relay.connection, in_flight=0, counts=relay.tally.as_json())
    assert usage() == {}


def test_what_a_dead_relay_had_not_counted_is_counted_by_country(
    claimed: tuple[HandRelay, list[Any]], hand_relay: Callable[..., HandRelay]
) -> None:
    lost, (america, canada, *germany) = claimed
    lost.settle(sent(america))
    lost.lease.beat(lost.connection, in_flight=3, counts=lost.tally.as_json())
    lost.settle(failed(canada), *map(sent, germany))
    lost.let_lease_run_out()
    other = hand_relay()
    assert other.declare_dead(lost) == [lost.lease.relay_id]
    assert other.declare_dead(lost) == []
    other.count_departed()
    assert usage() == {of("US"): (1, 0), of("CA"): (0, 1), of("DE"): (2, 0)}


@pytest.mark.parametrize("came_through", [True, False])
def test_usage_in_a_heartbeat_whose_answer_got_lost_is_counted_once(
    claimed: tuple[HandRelay, list[Any]], came_through: bool
) -> None:
    relay, (america, *_) = claimed
    relay.settle(sent(america))
    if came_through:
        relay.lease.beat(relay.connection, in_flight=0, counts=relay.tally.as_json())
    for _ in range(2):
        tally.recount(relay.connection, relay_id=relay.lease.relay_id)
    assert usage() == {of("US"): (1, 0)}


def test_a_merge_changes_no_sum_and_leaves_living_relays_alone(hand_relay: Callable[..., HandRelay]) -> None:
    """Rows of relays that are gone, and those that no relay wrote, become one for each kind, channel and country."""
    relay = hand_relay()
    living = relay.lease.relay_id
    for relay_id in (None, None, 10**6, 10**6 + 1, 0, living):
        Usage.objects.create(
            month=date(2026, 11, 1), kind="a", channel="sms", country="US", relay_id=relay_id, sent=2, cost="0.5"
        )
    Usage.objects.create(month=date(2026, 11, 1), kind="", channel="sms", country="", opt_outs=3)
    assert [relay.connection.execute(sql_usage.FOLD, {"most": 3}).fetchall() for _ in range(3)] == [
        [(3,)],
        [(2,)],
        [(0,)],
    ]
    assert Usage.objects.aggregate(Sum("sent"), Sum("cost"), Sum("opt_outs")) == {
        "sent__sum": 12,
        "cost__sum": 3,
        "opt_outs__sum": 3,
    }
    assert sorted(Usage.objects.values_list("kind", "relay_id", "sent")) == [("", 0, 0), ("a", 0, 10), ("a", living, 2)]
    assert Usage.objects.filter(kind="a").first().delays == [0] * SIZE
