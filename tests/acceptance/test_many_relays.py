"""Many relays on one PostgreSQL, behind PgBouncer in transaction mode, while people publish and one relay is killed."""

import signal
import threading
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest
from django.db import connection, connections

from notifications.models import OutboxMessage, Recipient, Relay
from notifications.sandbox.client import SandboxClient
from tests.factories.notifications import RecipientFactory, publish
from tests.stage.relay import RelayProcess
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

RELAYS, RECIPIENTS, ROUNDS = 4, 30, 6
POOL = 5  # of the fixture: connections to PostgreSQL, for the eight that four relays open


@pytest.mark.timeout(180)
def test_four_relays_behind_pgbouncer_keep_order_and_lose_nothing(
    relay_process: Callable[..., RelayProcess], bouncer: str, providers: SandboxClient
) -> None:
    behind = {
        "DATABASE_URL": bouncer,
        "OUTBOX_RESCUE": "lease",
        "OUTBOX_LEASE_SECONDS": "4",
        "OUTBOX_SEND_TIMEOUT_SECONDS": "3",
    }
    recipients = RecipientFactory.create_batch(RECIPIENTS)
    relays = [relay_process(**behind) for _ in range(RELAYS)]
    wait_until(lambda: Relay.objects.count() == RELAYS, seconds=60)
    assert connections_to_the_test_database() <= POOL + 1, "and one of the test's own"

    publishers = [threading.Thread(target=publish_to, args=[recipients[start::3]]) for start in range(3)]
    for publisher in publishers:
        publisher.start()
    wait_until(lambda: len(providers.messages()) > RECIPIENTS)
    relays[0].signal(signal.SIGKILL)
    for publisher in publishers:
        publisher.join()

    wait_until(lambda: OutboxMessage.objects.filter(status="sent").count() == RECIPIENTS * ROUNDS, seconds=90)
    for relay in relays[1:]:
        relay.signal(signal.SIGTERM)
    assert [relay.wait()[0] for relay in relays[1:]] == [0] * (RELAYS - 1)

    words = defaultdict(list)
    for received in (each for each in providers.messages() if each.accepted):
        words[received.to].append(received.body.strip())
    for recipient in recipients:
        first_seen = list(dict.fromkeys(words[recipient.phone]))
        assert first_seen == [f"Hello number {number}" for number in range(ROUNDS)], "in order, and all of them"
    unknown = Counter(OutboxMessage.objects.filter(deliveries__answer="unknown").values_list("id", flat=True))
    twice = sum(len(each) - len(set(each)) for each in words.values())
    assert twice <= sum(unknown.values()), "only what the killed relay had in hand may be seen twice"


def publish_to(recipients: list[Recipient]) -> None:
    """Six messages to each of `recipients`, round by round."""
    for number in range(ROUNDS):
        for recipient in recipients:
            publish(recipient, name=f"number {number}")
    connections.close_all()


def connections_to_the_test_database() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend'"
        )
        row = cursor.fetchone()
    assert row
    return int(row[0])
