"""Several relays under one command: all send, one that dies is replaced, a signal stops all, one address serves all."""

import os
import re
import signal
import time
from collections.abc import Callable
from urllib.request import urlopen

import pytest

from notifications.models import OutboxMessage, Relay
from notifications.relay import supervisor
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RelayProcess
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Start = Callable[..., RelayProcess]


def pids() -> set[int]:
    return set(Relay.objects.values_list("pid", flat=True))


def wait_for_relays(number: int) -> set[int]:
    wait_until(lambda: len(pids()) == number, seconds=60)
    return pids()


def test_processes_drain_an_outbox_together_and_end(relay_process: Start) -> None:
    for recipient in RecipientFactory.create_batch(20):
        publish_one(recipient)

    code, output = relay_process("--processes", "2", "--drain").wait(timeout=60)

    assert code == 0, output
    assert OutboxMessage.objects.filter(status="sent").count() == 20
    assert output.count("relay.started") == 2
    assert not Relay.objects.exists()


def test_a_process_that_dies_is_replaced_and_a_signal_stops_all(relay_process: Start) -> None:
    relay = relay_process("--processes", "2", "--metrics-port", "0")
    first = wait_for_relays(2)
    assert relay.process.pid not in first

    os.kill(min(first), signal.SIGKILL)
    wait_until(lambda: len(pids() - first) == 1, seconds=60)
    recipient = RecipientFactory.create()
    message = publish_one(recipient)
    wait_until(lambda: OutboxMessage.objects.get(pk=message.pk).status == "sent", seconds=30)
    relay.signal(signal.SIGTERM)
    code, output = relay.wait(timeout=60)

    assert code == 0, output
    assert "relay.process_ended" in output
    assert not [pid for pid in pids() if _lives(pid)]


def test_one_address_tells_the_metrics_and_the_health_of_all(relay_process: Start) -> None:
    relay = relay_process("--processes", "2", "--metrics-port", "0")
    wait_for_relays(2)
    assert relay.process.stdout is not None
    address = re.search(r"http://\S+(?=/metrics)", relay.process.stdout.readline())
    assert address is not None

    def metrics() -> str:
        with urlopen(f"{address[0]}/metrics") as answer:
            content: bytes = answer.read()
        return content.decode()

    wait_until(lambda: metrics().count("outbox_relay_messages_in_flight{") == 2, seconds=30)
    text = metrics()
    assert 'outbox_relay_messages_in_flight{process="1"}' in text
    assert 'outbox_relay_messages_in_flight{process="2"}' in text
    assert text.count("# TYPE outbox_relay_messages_in_flight gauge") == 1
    with urlopen(f"{address[0]}/healthz") as answer:
        assert answer.status == 200


def test_when_the_supervisor_is_killed_its_relays_stop(relay_process: Start) -> None:
    relay = relay_process("--processes", "2")
    running = wait_for_relays(2)

    relay.signal(signal.SIGKILL)

    wait_until(lambda: not any(map(_lives, running)), seconds=30)
    assert not Relay.objects.exists(), "they stopped in order"


def test_a_process_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "START_SECONDS", 0.0)
    monkeypatch.setattr(supervisor, "HEALTH_SECONDS", 0.0)
    worker = supervisor.Worker(1, ["sh", "-c", "echo http://127.0.0.1:1/metrics; sleep 60"])
    wait_until(lambda: worker.metrics_port == 1)

    assert not worker.is_healthy()
    worker.kill_if_stuck()

    assert worker.process.wait(timeout=10) == -signal.SIGKILL


def test_the_pause_before_a_successor_grows_while_processes_die_young() -> None:
    worker = supervisor.Worker(1, ["false"])
    worker.process.wait(timeout=10)
    began = time.monotonic()

    worker.replace_if_ended()
    assert worker._replace_at - began >= 2 * supervisor.FIRST_PAUSE_SECONDS
    before = worker.process
    worker.replace_if_ended()
    assert worker.process is before, "not before the pause is over"


def test_auto_means_the_processors_that_it_may_use() -> None:
    assert 1 <= supervisor.usable_processors() <= (os.cpu_count() or 1)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
