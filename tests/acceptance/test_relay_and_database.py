"""A relay whose database is not there, goes away, is behind a proxy, or has no tables; and what an idle one costs."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from notifications.models import OutboxMessage, Relay
from notifications.sandbox.client import SandboxClient
from tests.factories.notifications import RecipientFactory, publish, publish_one
from tests.stage.proxy import Proxy, url_through
from tests.stage.relay import RecordingChannel, RelayProcess, running_loop
from tests.stage.scratch import scratch_database
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Start = Callable[..., RelayProcess]


def wait_for_disconnections(relay: RelayProcess, number: int) -> None:
    """Read on in what `relay` prints until it has said so many times more that it has no connection."""
    assert relay.process.stdout is not None
    for _ in range(number):
        while "relay.disconnected" not in (line := relay.process.stdout.readline()):
            assert line, "it ended"


def test_a_database_that_is_not_there_at_the_start_is_waited_for(
    relay_process: Start, proxy: Proxy, database_url: str, providers: SandboxClient
) -> None:
    publish(RecipientFactory())
    proxy.cut()
    relay = relay_process(DATABASE_URL=url_through(proxy.port, database_url))
    wait_for_disconnections(relay, 1)
    proxy.mend()
    wait_until(providers.messages)
    relay.signal(signal.SIGTERM)
    assert relay.wait()[0] == 0


def test_a_database_that_goes_away_loses_nothing_and_is_found_again(
    relay_process: Start, proxy: Proxy, database_url: str, providers: SandboxClient
) -> None:
    recipients = RecipientFactory.create_batch(60)
    for recipient in recipients:
        publish(recipient)
    relay = relay_process("--concurrency", "5", DATABASE_URL=url_through(proxy.port, database_url))
    wait_until(lambda: OutboxMessage.objects.filter(status="sent").count() == 60)
    providers.add_rule(delay=0.3)
    for recipient in recipients:  # a send took milliseconds so far, so the relay takes many of them in hand
        publish(recipient)
    wait_until(lambda: len(providers.messages()) >= 60 + 5)
    assert OutboxMessage.objects.filter(status="sending").count() > 10
    proxy.cut()
    late = publish_one(RecipientFactory())  # its NOTIFY reaches nobody
    wait_for_disconnections(relay, 2)  # the loss, and the first try to connect again
    before = len(providers.messages())
    wait_for_disconnections(relay, 4)  # with pauses of 0.1, 0.2, 0.4 and 0.8 s: each thread has ended its send
    assert len(providers.messages()) == before, "a relay that is not sure of its lease begins no send"
    proxy.mend()
    wait_until(lambda: OutboxMessage.objects.filter(status="sent").count() == 121)
    late.refresh_from_db()
    assert late.status == "sent"
    relay.signal(signal.SIGTERM)
    code, output = relay.wait()
    assert code == 0, output
    assert "relay.reconnected" in output
    assert len(providers.messages()) == 121, "what was known to be sent was written down after the cut, not sent again"


def test_a_relay_that_is_stopped_while_the_database_is_away_ends(
    relay_process: Start, proxy: Proxy, database_url: str
) -> None:
    relay = relay_process("--grace", "0.5", DATABASE_URL=url_through(proxy.port, database_url))
    wait_until(lambda: Relay.objects.filter(pid=relay.process.pid))
    proxy.cut()
    relay.signal(signal.SIGTERM)
    code, output = relay.wait(timeout=20)
    assert code == 0, output
    assert "relay.abandoned" in output


def test_a_lost_listen_connection_is_made_again_with_a_catch_up() -> None:
    sms = RecordingChannel()
    with running_loop(sms):
        wait_until(lambda: listeners() == 1)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%%(listen)'"
            )
        publish(RecipientFactory())
        wait_until(lambda: sms.sent, seconds=5)
        wait_until(lambda: listeners() == 1, seconds=5)
        publish(RecipientFactory())
        wait_until(lambda: len(sms.sent) == 2, seconds=0.5)


def listeners() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name LIKE '%%(listen)' AND datname = current_database()"
        )
        row = cursor.fetchone()
    assert row
    return row[0]


def test_a_database_without_tables_is_said_in_one_line(relay_process: Start, database_url: str) -> None:
    with scratch_database(database_url, "empty") as empty:
        code, output = relay_process(DATABASE_URL=empty).wait()
    assert code == 1
    assert output.strip().splitlines()[-1].endswith("run `manage.py migrate` first.")
    assert "Traceback" not in output


class Counting:
    """A connection that notes when it, or a cursor of it, is asked."""

    def __init__(self, inner: Any, asked: list[float] | None = None) -> None:
        self._inner = inner
        self.asked: list[float] = [] if asked is None else asked

    def cursor(self, **words: Any) -> Any:
        return Counting(self._inner.cursor(**words), self.asked)

    def execute(self, *arguments: Any, **words: Any) -> Any:
        self.asked.append(time.monotonic())
        return self._inner.execute(*arguments, **words)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_an_idle_relay_asks_less_than_twice_a_second() -> None:
    with running_loop(RecordingChannel()) as loop:
        wait_until(Relay.objects.exists)
        wait_until(lambda: listeners() == 1)
        loop._session.connection = counting = Counting(loop._session.connection)
        began = time.monotonic() + 0.5
        wait_until(lambda: time.monotonic() > began + 4)
    idle = [at for at in counting.asked if began <= at <= began + 4]
    assert 0 < len(idle) <= 8


def test_an_idle_relay_takes_less_than_a_hundredth_of_a_core(relay_process: Start) -> None:
    relay = relay_process()
    wait_until(lambda: Relay.objects.filter(pid=relay.process.pid))
    wait_until(lambda: listeners() == 1)  # it has started
    before, began = cpu_seconds(relay.process.pid), time.monotonic()
    time.sleep(5.0)  # a share of time can only be measured over time
    share = (cpu_seconds(relay.process.pid) - before) / (time.monotonic() - began)
    assert share < 0.01


def cpu_seconds(number: int) -> float:
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_behind_a_transaction_pooling_proxy_a_killed_relays_messages_move_within_the_lease(
    relay_process: Start, bouncer: str, providers: SandboxClient
) -> None:
    behind = {
        "DATABASE_URL": bouncer,
        "OUTBOX_RESCUE": "lease",
        "OUTBOX_LEASE_SECONDS": "6",
        "OUTBOX_SEND_TIMEOUT_SECONDS": "5",
    }
    relays = {relay.process.pid: relay for relay in (relay_process(**behind), relay_process(**behind))}
    wait_until(lambda: Relay.objects.count() == 2, seconds=60)
    providers.add_rule(delay=4.5, times=4)
    for recipient in RecipientFactory.create_batch(4):
        publish(recipient)
    wait_until(lambda: OutboxMessage.objects.filter(status="sending").count() == 4)
    doomed = Relay.objects.filter(id__in=OutboxMessage.objects.values("relay")).first()
    assert doomed
    held = list(OutboxMessage.objects.filter(relay=doomed).values_list("id", flat=True))
    relays.pop(doomed.pid).signal(signal.SIGKILL)
    killed_at = time.monotonic()
    untouched = OutboxMessage.objects.filter(id__in=held, status="sending", claim_number=1)
    wait_until(lambda: untouched.count() < len(held))
    assert time.monotonic() - killed_at > 6 - 2, "not before the lease is over, which it had renewed with a heartbeat"
    wait_until(lambda: not untouched.exists())
    assert time.monotonic() - killed_at < 6 + 1.5
    wait_until(lambda: OutboxMessage.objects.filter(status="sent").count() == 4)
    publish(RecipientFactory())
    wait_until(lambda: OutboxMessage.objects.filter(status="sent").count() == 5, seconds=5)
    (heir,) = relays.values()
    heir.signal(signal.SIGTERM)
    assert heir.wait()[0] == 0
