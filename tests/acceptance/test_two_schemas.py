"""Two tenants in one database, each in a schema of its own: neither's relays know of the other's (G3, G9)."""

import signal
from collections.abc import Callable, Iterator

import pytest
from django.db import connections, transaction

from notifications import kinds, outbox
from notifications.models import OutboxMessage, Recipient, Relay
from notifications.protocol.notify import CHANNEL
from notifications.recipients.addresses import lock_address, lock_shelves
from notifications.relay.connection import Connection, open_connection
from notifications.relay.lease import LOCK_CLASS
from notifications.relay.listen import Listener
from notifications.sandbox.client import SandboxClient
from tests.factories.notifications import GREETING
from tests.stage.relay import HandRelay, RecordingChannel, RelayProcess, running_loop
from tests.stage.schemas import tenants, url_of
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

LEASE_SECONDS = 60.0


@pytest.fixture
def two_tenants(transactional_db: None) -> Iterator[None]:
    with tenants("s1", "s2"):
        yield


def publish(schema: str, *, number: int = 0) -> OutboxMessage:
    kinds.register(GREETING)
    with transaction.atomic(using=schema):
        recipient = Recipient.objects.using(schema).create(phone=f"+1415555{number:04}")
        (message,) = outbox.publish(GREETING.name, recipient=recipient, context={"name": schema}, using=schema)
    return message


@pytest.mark.usefixtures("two_tenants")
def test_what_a_killed_relay_held_goes_on_at_once_beside_another_tenants_relay(
    relay_process: Callable[..., RelayProcess], providers: SandboxClient, database_url: str
) -> None:
    """The other tenant's relay has the same id. With one key for both, its lock kept the killed one alive."""
    lease = {"OUTBOX_LEASE_SECONDS": str(LEASE_SECONDS), "OUTBOX_SEND_TIMEOUT_SECONDS": "30"}
    providers.add_rule(channel="sms", delay=30)
    held = [publish("s1", number=number) for number in range(5)]
    killed = relay_process("--skip-checks", **lease, DATABASE_URL=url_of("s1", database_url))
    own, others = RecordingChannel(), RecordingChannel()
    ours = OutboxMessage.objects.using("s1")
    with running_loop(others, database="s2", lease=LEASE_SECONDS):
        wait_until(lambda: ours.filter(status="sending").count() == len(held), seconds=40)
        with running_loop(own, database="s1", lease=LEASE_SECONDS):
            wait_until(lambda: Relay.objects.using("s1").count() == 2)
            ids = {schema: min(Relay.objects.using(schema).values_list("id", flat=True)) for schema in ("s1", "s2")}
            assert ids["s1"] == ids["s2"]
            killed.signal(signal.SIGKILL)
            wait_until(lambda: len(own.sent) == len(held), seconds=10)
    assert not others.sent
    assert not OutboxMessage.objects.exists()


@pytest.mark.usefixtures("two_tenants")
def test_a_message_wakes_the_relays_of_its_own_schema_alone() -> None:
    wakes: dict[str, list[str]] = {"s1": [], "s2": [], "default": []}
    listeners = [Listener(alias, lambda alias=alias: wakes[alias].append("woken")) for alias in wakes]
    for listener in listeners:
        listener.start()
    try:
        wait_until(lambda: all(wakes.values()))  # each catches up once
        for number, alias in enumerate(wakes):
            publish(alias, number=number)
            wait_until(lambda: len(wakes[alias]) == 2)  # noqa: B023
        # PostgreSQL delivers in the order of commits: had one been for somebody else, it would be here by now.
        assert {alias: len(woken) for alias, woken in wakes.items()} == dict.fromkeys(wakes, 2)
    finally:
        for listener in listeners:
            listener.stop()


@pytest.mark.usefixtures("two_tenants")
def test_tenants_do_not_wait_for_each_others_addresses() -> None:
    key = "phone:+14155550000"
    with transaction.atomic(using="s1"), transaction.atomic(using="s2"):
        for schema in ("s1", "s2"):
            with connections[schema].cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '1ms'")
            lock_shelves([key], using=schema)
            lock_address(key, using=schema)


@pytest.mark.usefixtures("two_tenants")
def test_relays_of_an_earlier_version_are_judged_by_their_lease_and_see_our_lock(
    hand_relay: Callable[..., HandRelay],
) -> None:
    """As in a deploy. They hold, and look at, the lock that has no schema in it."""
    earlier, ours = hand_relay(database="s1"), hand_relay(database="s1")
    earlier.connection.execute("SELECT pg_advisory_unlock_all()")
    earlier.connection.execute(
        "UPDATE notifications_relay SET lock_class = NULL, heartbeat_at = heartbeat_at - interval '1 minute'"
        " WHERE id = %s",
        [earlier.lease.relay_id],
    )
    assert ours.declare_dead(earlier) == []
    assert not is_free(earlier.connection, ours), "an earlier relay sees that ours lives"
    earlier.let_lease_run_out()
    assert ours.declare_dead(earlier) == [earlier.lease.relay_id]


def is_free(connection: Connection, relay: HandRelay) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, relay.lease.relay_id]).fetchone()
    return bool(row and row[0])


def test_in_public_names_are_those_of_earlier_versions(hand_relay: Callable[..., HandRelay]) -> None:
    """So that relays and webs of both may run side by side."""
    relay, other = hand_relay(), hand_relay()
    assert not is_free(other.connection, relay)
    with open_connection("default", name="a listener of an earlier version") as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        publish("default")
        assert next(listener.notifies(timeout=10))
