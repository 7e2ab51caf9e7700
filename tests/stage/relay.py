"""Relays for tests: the protocol's moves by hand, the loop in a thread, and the command as a real process."""

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from notifications.channels.base import Channel, Outgoing
from notifications.channels.deadline import Deadline
from notifications.lifecycle import Accepted, Outcome
from notifications.models import OutboxMessage
from notifications.policy.retry import RetryPolicy
from notifications.relay import rescue, settle
from notifications.relay.claim import Claimer
from notifications.relay.connection import Connection, open_connection
from notifications.relay.delivery import handed_back
from notifications.relay.lease import Lease
from notifications.relay.loop import Loop
from notifications.relay.messages import Claimed, Settlement
from notifications.relay.options import Options
from notifications.relay.tally import Tally, count_departed

ROOT = Path(__file__).resolve().parent.parent.parent
RUN_OUT = """
UPDATE notifications_relay SET lease_until = statement_timestamp() - interval '1 second',
    heartbeat_at = statement_timestamp() - interval '1 minute'
WHERE id = ANY(%s)
"""
PATIENT = RetryPolicy(max_attempts=3, backoff_seconds=0, backoff_max_seconds=0, max_rescues=5)


class RecordingChannel(Channel):
    """A channel whose provider is the test: records what it is given, and answers as told."""

    address_field = "phone"
    templates = {"text": "sms.txt"}

    def __init__(self, name: str = "sms", answer: Callable[[Outgoing], Outcome] | None = None) -> None:
        super().__init__(name)
        self.sent: deque[Outgoing] = deque()
        self._answer = answer or (lambda outgoing: Accepted(f"provider-{outgoing.message_id}"))

    @classmethod
    def from_settings(cls, name: str, settings: Any) -> Self:
        return cls(name)

    def send(self, outgoing: Outgoing, deadline: Deadline) -> Outcome:
        self.sent.append(outgoing)
        return self._answer(outgoing)


@dataclass
class HandRelay:
    """A relay whose moves are made one by one, by the test."""

    lease_seconds: float = 60.0
    database: str = "default"
    connection: Connection = field(init=False)
    lease: Lease = field(init=False)
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self.connection = open_connection(self.database, name="test relay")
        self.lease = Lease(seconds=self.lease_seconds, margin=0.0, concurrency=1, holds_lock=True)
        self.lease.take(self.connection)

    def claim(self, limit: int = 100, channels: tuple[str, ...] = ("sms",)) -> list[Claimed]:
        limits = dict.fromkeys(channels, limit)
        return Claimer().claim(self.connection, relay_id=self.lease.relay_id, limits=limits)

    def settle(self, *settlements: Settlement) -> list[Settlement]:
        relay_id = self.lease.relay_id
        waiting, written, _ = settle.settle(self.connection, settlements, relay_id=relay_id, now=0.0)
        settle.report_settled(written, self.tally)
        return waiting

    def hand_back(self, *claimed: Claimed) -> None:
        self.settle(*map(handed_back, claimed))

    def declare_dead(self, *dead: "HandRelay", prompt: bool = True) -> list[int]:
        """Declare those of `dead` dead that are, as a heartbeat's finding would."""
        return rescue.declare_dead(self.connection, [relay.lease.relay_id for relay in dead], prompt=prompt)

    def rescue(self, *relay_ids: int) -> int:
        return rescue.rescue(self.connection, relay_ids)

    def count_departed(self) -> None:
        count_departed(self.connection)

    def let_lease_run_out(self) -> None:
        """As after a stop longer than the lease."""
        self.connection.execute(RUN_OUT, [[self.lease.relay_id]])

    def close(self) -> None:
        self.connection.close()


@pytest.fixture
def hand_relay(transactional_db: None) -> Iterator[Callable[..., HandRelay]]:
    """Makes relays that are moved by hand; closed when the test ends."""
    made: list[HandRelay] = []

    def make(**options: Any) -> HandRelay:
        made.append(HandRelay(**options))
        return made[-1]

    yield make
    for relay in made:
        relay.close()


def a_loop(
    *channels: Channel, policy: RetryPolicy = PATIENT, senders: Mapping[str, Channel] | None = None, **changes: Any
) -> Loop:
    """A relay's loop of `channels`, or of `senders`, by the routes' keys."""
    options = {
        "database": "default",
        "concurrency": 8,
        "batch": 100,
        "lease": 20.0,
        "send_timeout": 10.0,
        "grace": 10.0,
        "prompt_rescue": True,
        "drain": False,
        "policies": {channel.name: policy for channel in channels},
    }
    return Loop(senders or {channel.name: channel for channel in channels}, Options(**(options | changes)))


def drain(*channels: Channel, **changes: Any) -> None:
    """Run a relay in this thread until nothing is left that could move."""
    a_loop(*channels, drain=True, **changes).run()


@contextmanager
def running_loop(*channels: Channel, **changes: Any) -> Iterator[Loop]:
    """A relay's loop in a thread of this process, stopped and waited for at the end."""
    with in_a_thread(a_loop(*channels, **changes)) as loop:
        yield loop


@contextmanager
def in_a_thread(loop: Loop) -> Iterator[Loop]:
    """`loop`, running; stopped and waited for at the end."""
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield loop
    finally:
        loop.stop()
        thread.join(timeout=30)
        assert not thread.is_alive(), "the relay did not stop"


class RelayProcess:
    """`manage.py run_outbox_relay` as a child process on the test database."""

    def __init__(self, *arguments: str, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "run_outbox_relay", *arguments],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, timeout: float = 30.0) -> tuple[int, str]:
        """Its exit code and what it printed."""
        output, _ = self.process.communicate(timeout=timeout)
        return self.process.returncode, output

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.send_signal(signal.SIGCONT)
        self.process.communicate()


@pytest.fixture
def relay_process(transactional_db: None, database_url: str, providers: Any) -> Iterator[Callable[..., RelayProcess]]:
    """Starts real relays on the test database and the provider sandbox; killed when the test ends."""
    started: list[RelayProcess] = []

    def start(*arguments: str, **environment: str) -> RelayProcess:
        variables = {
            "DATABASE_URL": database_url,
            "DJANGO_DEBUG": "1",
            "SMS_PROVIDER": "twilio",
            "WHATSAPP_PROVIDER": "twilio",
            "TWILIO_ACCOUNT_SID": providers.account_sid,
            "TWILIO_AUTH_TOKEN": providers.auth_token,
            "TWILIO_API_URL": providers.http_url,
            "TWILIO_SMS_FROM": "+14155550000",
            "TWILIO_WHATSAPP_FROM": "+14155550001",
            "EMAIL_URL": providers.email_url,
            "OUTBOX_DEFERRAL_SECONDS": "0.1",
            "OUTBOX_BACKOFF_SECONDS": "0.1",
            "DJANGO_SETTINGS_MODULE": "tests.stage.settings",
        }
        started.append(RelayProcess(*arguments, environment=variables | environment))
        return started[-1]

    yield start
    for relay in started:
        relay.end()


def status_of(message: OutboxMessage) -> str:
    return OutboxMessage.objects.values_list("status", flat=True).get(pk=message.pk)
