"""A database that can only be read for a while, as during a failover: the relay waits, says so, and comes back."""

import logging
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.test import Client

from notifications.models import OutboxMessage, Relay
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'outbox relay%'
"""


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def read_only(transactional_db: None) -> Iterator[Callable[[bool], None]]:
    """Has new sessions with the test database read-only, or not; the session of the test itself can always write."""
    name = connection.settings_dict["NAME"]

    def switch(is_on: bool) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {"on" if is_on else "off"}')

    yield switch
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')


def sent() -> int:
    return OutboxMessage.objects.filter(status="sent").count()


def test_a_relay_outlasts_a_failover(read_only: Callable[[bool], None], caplog: pytest.LogCaptureFixture) -> None:
    channel = RecordingChannel()
    with caplog.at_level(logging.WARNING, logger="notifications"), running_loop(channel):
        publish_one(RecipientFactory())
        wait_until(lambda: sent() == 1)
        read_only(True)
        execute(END_SESSIONS)
        wait_until(lambda: caplog.text.count("ReadOnlySqlTransaction") >= 2)
        publish_one(RecipientFactory())
        read_only(False)
        wait_until(lambda: sent() == 2)
    assert not Relay.objects.exists(), "and it ended as it should"


def test_a_relay_that_starts_meanwhile_waits(
    read_only: Callable[[bool], None], caplog: pytest.LogCaptureFixture
) -> None:
    publish_one(RecipientFactory())
    read_only(True)
    with caplog.at_level(logging.WARNING, logger="notifications"), running_loop(RecordingChannel()):
        wait_until(lambda: "ReadOnlySqlTransaction" in caplog.text)
        assert sent() == 0
        read_only(False)
        wait_until(lambda: sent() == 1)


def test_a_web_process_whose_database_can_only_be_read_is_not_ready(
    client: Client, read_only: Callable[[bool], None]
) -> None:
    assert client.get("/readyz").status_code == 200
    read_only(True)
    connection.close()
    try:
        ready = client.get("/readyz")
    finally:
        execute("SET default_transaction_read_only = off")
    assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "read-only")
