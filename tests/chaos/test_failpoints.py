"""Each place at which a relay can be lost is reached on purpose, in real processes, and every invariant holds."""

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from notifications.models import DeliveryAttempt, OutboxMessage, Relay
from notifications.relay.connection import FIRST_WITH_TRANSACTION_TIMEOUT
from notifications.sandbox.client import SandboxClient
from tests.chaos import checker, witness
from tests.chaos.failpoints import ACTIONS, PLACES, Failpoint
from tests.chaos.history import Attempt, Call, History, Message, Word
from tests.chaos.nursery import Forked, Nursery
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

LEASE_SECONDS, SEND_TIMEOUT_SECONDS = 0.9, 0.4
HELLO = re.compile(r"Hello (\w+)")

IN_A_PIPELINE = ("before_settle_commit", "after_promote")

Start = Callable[..., Forked]


@pytest.fixture(scope="module")
def nursery(database_url: str, provider_sandbox: SandboxClient) -> Iterator[Nursery]:
    made = Nursery(
        {
            "DATABASE_URL": database_url,
            "DJANGO_DEBUG": "1",
            "DJANGO_SETTINGS_MODULE": "tests.stage.settings",
            "SMS_PROVIDER": "twilio",
            "TWILIO_ACCOUNT_SID": provider_sandbox.account_sid,
            "TWILIO_AUTH_TOKEN": provider_sandbox.auth_token,
            "TWILIO_API_URL": provider_sandbox.http_url,
            "TWILIO_SMS_FROM": "+14155550000",
            "OUTBOX_BACKOFF_SECONDS": "0.05",
            "OUTBOX_SEND_TIMEOUT_SECONDS": str(SEND_TIMEOUT_SECONDS),
        }
    )
    yield made
    made.close()


@pytest.fixture
def start(nursery: Nursery, transactional_db: None, providers: SandboxClient, tmp_path: Path) -> Iterator[Start]:
    """Starts relays, each a process of its own that says to the witness who it is."""
    started: list[Forked] = []

    def start(failpoint: str = "") -> Forked:
        name = f"relay-{len(started) + 1}"
        arguments = ("--channel", "sms", "--lease", str(LEASE_SECONDS), "--concurrency", "4", "--verbosity", "0")
        report = str(tmp_path / name)
        started.append(nursery.relay(*arguments, process=name, failpoint=failpoint, report=report, hurry=True))
        return started[-1]

    yield start
    for relay in started:
        relay.stop()


@pytest.fixture
def watched() -> Iterator[None]:
    connection.ensure_connection()
    witness.install(connection.connection)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER chaos_witness ON notifications_outboxmessage; DROP SCHEMA chaos CASCADE")


def server_version() -> int:
    connection.ensure_connection()
    return int(connection.connection.info.server_version)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("place", PLACES)
def test_a_relay_may_be_lost_at_every_place(
    place: str, action: str, *, start: Start, watched: None, providers: SandboxClient, tmp_path: Path
) -> None:
    if action == "stop" and place in IN_A_PIPELINE and server_version() < FIRST_WITH_TRANSACTION_TIMEOUT:
        pytest.skip("this PostgreSQL does not end the transaction of a relay that is frozen within a pipeline")
    recipients = [RecipientFactory(), RecipientFactory()]
    for name in ("Ann", "Bob"):
        for recipient in recipients:
            publish_one(recipient, name=name)
    predecessor = start("after_claim_commit:kill") if place == "in_rescue" else None
    if predecessor:
        wait_until(lambda: predecessor.poll() is not None)
    doomed = start(f"{place}:{action}")
    reached = tmp_path / ("relay-2" if predecessor else "relay-1")
    wait_until(reached.exists)
    start()
    wait_until(lambda: OutboxMessage.objects.filter(status="sent").count() == 4)
    if action == "stop":
        wait_until(lambda: not Relay.objects.filter(pid=doomed.pid).exists())
        os.kill(doomed.pid, signal.SIGCONT)
    if action != "kill":
        wait_until(lambda: Relay.objects.filter(pid=doomed.pid).exists())
        publish_one(recipients[0], name="Cid")
        wait_until(lambda: not OutboxMessage.objects.exclude(status="sent").exists())
    history = seen(providers)
    assert {name: faults for name, faults in checker.judge(history).items() if faults} == {}
    assert max(message.attempts for message in history.messages) <= 2


def seen(providers: SandboxClient) -> History:
    """What the provider and the witness saw, and the rows."""
    calls = [
        Call(
            Word(call.to, "", HELLO.findall(call.body)[0], "sms"),
            call.received_at.timestamp(),
            (call.ended_at or call.received_at).timestamp(),
            accepted=call.accepted,
        )
        for call in providers.messages()
    ]
    messages = [
        Message(row.pk, Word(row.recipient.phone, "", row.context["name"], "sms"), row.status, row.attempts)
        for row in OutboxMessage.objects.select_related("recipient").order_by("id")
    ]
    attempts = [
        Attempt(row.message_id, row.claim_number, row.answer, row.code, None, row.ended_at.timestamp())
        for row in DeliveryAttempt.objects.order_by("id")
    ]
    transitions = list(witness.read(connection.connection))
    return History(calls=calls, messages=messages, attempts=attempts, transitions=transitions)


@pytest.mark.parametrize("wish", ["", "nowhere:kill", "in_rescue:dance", "in_rescue"])
def test_a_failpoint_that_does_not_exist_is_refused(wish: str) -> None:
    with pytest.raises(ValueError, match="no failpoint"):
        Failpoint.parse(wish)


def test_a_failpoint_is_reached_once_at_the_time_it_was_ordered_for() -> None:
    reached: list[Any] = []
    failpoint = Failpoint.parse("before_send:error:3", report=lambda: reached.append("now"))
    for _ in range(5):
        with contextlib.suppress(RuntimeError):
            failpoint.reach("before_send")
        failpoint.reach("after_send")
    assert reached == ["now"]
