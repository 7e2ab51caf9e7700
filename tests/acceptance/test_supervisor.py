"""Several relays under one command: all send, one that dies is replaced, a signal stops all, one address serves all."""

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from urllib.request import urlopen

import pytest

from notifications.models import OutboxMessage, Relay
from notifications.relay import supervisor
from notifications.sandbox.client import SandboxClient
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


def sending(relay_process: Start, providers: SandboxClient) -> tuple[RelayProcess, set[int]]:
    """A supervisor with two relays in the midst of 120 messages, and the relays' processes."""
    providers.add_rule(channel="sms", delay=0.05)
    for recipient in RecipientFactory.create_batch(30):
        for _ in range(4):
            publish_one(recipient)
    relay = relay_process("--processes", "2", "--concurrency", "4")
    running = wait_for_relays(2)
    assert relay.process.pid not in running
    wait_until(lambda: len(providers.messages()) > 10, seconds=60)
    return relay, running


def all_are_sent() -> bool:
    return OutboxMessage.objects.filter(status="sent").count() == 120


def sent_twice(providers: SandboxClient) -> int:
    """How many messages the provider accepted a second time."""
    accepted = Counter(each.to for each in providers.messages() if each.accepted)
    assert min(accepted.values()) >= 4
    return sum(count - 4 for count in accepted.values())


def test_processes_drain_an_outbox_together_and_end(relay_process: Start) -> None:
    for recipient in RecipientFactory.create_batch(20):
        publish_one(recipient)

    code, output = relay_process("--processes", "2", "--drain").wait(timeout=60)

    assert code == 0, output
    assert OutboxMessage.objects.filter(status="sent").count() == 20
    assert output.count("relay.started") == 2
    assert not Relay.objects.exists()


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
    for probe in ("healthz", "readyz"):
        with urlopen(f"{address[0]}/{probe}") as answer:
            assert answer.status == 200


def test_a_process_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STUCK_SECONDS", 0.0)
    worker = supervisor.Worker(1, ["sleep", "60"], notify_socket="@nobody")

    assert not worker.is_healthy()
    worker.kill_if_stuck()

    assert worker.process.wait(timeout=10) == -signal.SIGKILL


def test_a_process_that_says_that_it_lives_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = supervisor.Worker(1, ["sleep", "60"], notify_socket="@nobody")
    monkeypatch.setattr(supervisor, "STUCK_SECONDS", 3600.0)
    worker.hear("WATCHDOG=1")
    assert not worker.is_ready
    worker.hear("READY=1\nSTATUS=Sending.")

    worker.kill_if_stuck()

    assert worker.is_ready
    assert worker.is_healthy()
    assert worker.process.poll() is None
    worker.process.kill()
    worker.process.wait()


@pytest.mark.parametrize("number", [0, 1])
def test_a_signal_while_relays_are_being_started_ends_those_that_were(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = supervisor.Supervisor(2, [], is_draining=False)
    running._command = ["sleep", "60"]
    start = supervisor.Worker.start

    def signalled(worker: supervisor.Worker) -> None:
        start(worker)
        if len(running.workers) == number:  # as a handler that runs before the supervisor has it in its list
            running.stop(signal.SIGTERM)

    monkeypatch.setattr(supervisor.Worker, "start", signalled)

    assert running.run() == 0
    assert len(running.workers) == number + 1


def test_a_relay_that_is_killed_is_replaced_and_only_what_it_had_in_hand_may_go_twice(
    relay_process: Start, providers: SandboxClient
) -> None:
    relay, first = sending(relay_process, providers)

    os.kill(min(first), signal.SIGKILL)
    wait_until(all_are_sent, seconds=90)
    wait_until(lambda: len(pids() - first) == 1, seconds=60)
    relay.signal(signal.SIGTERM)
    code, output = relay.wait(timeout=60)

    assert code == 0, output
    assert "relay.process_ended" in output
    unknown = OutboxMessage.objects.filter(deliveries__answer="unknown").count()
    assert sent_twice(providers) <= unknown, "only what nobody knew"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_when_the_supervisor_is_stopped_or_killed_its_relays_finish_what_is_in_flight(
    number: signal.Signals, relay_process: Start, providers: SandboxClient
) -> None:
    relay, running = sending(relay_process, providers)

    relay.signal(number)

    wait_until(lambda: not any(map(_lives, running)), seconds=60)
    assert not Relay.objects.exists(), "they stopped in order"
    assert relay.wait(timeout=60)[0] == (0 if number is signal.SIGTERM else -number)
    relay_process("--drain")
    wait_until(all_are_sent, seconds=90)
    assert sent_twice(providers) == 0
    assert not OutboxMessage.objects.filter(deliveries__answer="unknown").exists()


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
