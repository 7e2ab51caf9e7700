"""requeue_outbox, outbox_status and execute_refunds: what they say, what they do, and what they refuse."""

import contextlib
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from notifications.lifecycle import Permanent
from notifications.management.arguments import actor
from notifications.models import OperatorAction, OutboxMessage, Recipient
from tests.factories.bookings import CustomerFactory
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import RecordingChannel, drain, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def command(name: str, *arguments: Any, **options: Any) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out, **options)
    return out.getvalue()


def refused(name: str, *arguments: Any) -> str:
    with pytest.raises(CommandError) as caught:
        command(name, *arguments)
    return str(caught.value)


@pytest.fixture
def failed() -> list[OutboxMessage]:
    """Three dead letters: two of them with one code, the third with another."""
    codes = iter(["twilio_21211", "twilio_21211", "twilio_30007"])
    messages = [publish_one(RecipientFactory()) for _ in range(3)]
    drain(RecordingChannel(answer=lambda outgoing: Permanent(next(codes), "No.")), concurrency=1)
    assert {message.status for message in OutboxMessage.objects.all()} == {"failed"}
    return messages


def statuses() -> list[str]:
    return list(OutboxMessage.objects.order_by("id").values_list("status", flat=True))


class TestRequeue:
    def test_by_id_it_says_what_it_does_and_keeps_a_record(self, failed: list[OutboxMessage]) -> None:
        said = command("requeue_outbox", str(failed[0].pk), reason="number corrected")
        assert "Replaying 1 × test.greeting by sms, failed with twilio_21211" in said
        assert "Replayed 1 of 1 messages." in said
        assert statuses() == ["pending", "failed", "failed"]
        record = OperatorAction.objects.get()
        assert (record.message_id, record.actor, record.reason, record.error_code) == (
            failed[0].pk,
            actor("requeue_outbox"),
            "number corrected",
            "twilio_21211",
        )
        replayed = OutboxMessage.objects.get(pk=failed[0].pk)
        assert (replayed.attempts, replayed.error_code, replayed.claim_number) == (0, "", 1)

    def test_a_dry_run_changes_nothing(self, failed: list[OutboxMessage]) -> None:
        assert "Would replay 2 × test.greeting by sms, failed with twilio_21211" in command(
            "requeue_outbox", "--failed", "--error-code", "twilio_21211", "--dry-run"
        )
        assert statuses() == ["failed"] * 3
        assert not OperatorAction.objects.exists()

    @pytest.mark.parametrize(
        ("filters", "expected"),
        [
            (["--failed"], 3),
            (["--kind", "test.greeting"], 3),
            (["--kind", "other"], 0),
            (["--channel", "sms"], 3),
            (["--channel", "email"], 0),
            (["--error-code", "twilio_30007"], 1),
            (["--failed", "--limit", "2"], 2),
            (["--since", "2020-01-01"], 3),
            (["--since", "2020-01-01T00:00:00Z", "--until", "2021-01-01"], 0),
        ],
    )
    def test_filters_choose(self, failed: list[OutboxMessage], filters: list[str], expected: int) -> None:
        command("requeue_outbox", *filters, "--yes")
        assert statuses().count("pending") == expected

    def test_by_user(self, failed: list[OutboxMessage]) -> None:
        customer = CustomerFactory()
        Recipient.objects.filter(user=customer).delete()
        Recipient.objects.filter(pk=failed[1].recipient_id).update(user=customer)
        command("requeue_outbox", "--user", customer.username, "--yes")
        assert statuses() == ["failed", "pending", "failed"]

    def test_without_yes_nobody_is_asked_where_nobody_can_answer(
        self, failed: list[OutboxMessage], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.stdin", StringIO())
        assert "Add --yes" in refused("requeue_outbox", "--failed")
        assert statuses() == ["failed"] * 3

    def test_an_id_that_is_no_failed_message_is_named(self, failed: list[OutboxMessage]) -> None:
        command("requeue_outbox", str(failed[0].pk))
        said = refused("requeue_outbox", str(failed[0].pk), str(failed[1].pk), "999999")
        assert f"{failed[0].pk} (pending)" in said
        assert "999999 (does not exist)" in said
        assert statuses() == ["pending", "pending", "failed"], "what could be replayed was"

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], "Name messages by ID, or choose them by --failed"),
            (["0"], "must be a whole number of at least 1, not '0'"),
            (["seven"], "must be a whole number of at least 1, not 'seven'"),
            (["--failed", "--limit", "-1"], "at least 1"),
            (["--since", "yesterday"], "must be a date or a moment such as"),
            (["--since", "2026-13-45"], "must be a date or a moment such as"),
            (["--failed", "--user", "nobody"], "There is no user 'nobody'."),
            (["--failed", "--database", "elsewhere"], "must be one of default"),
            (["--failed", "--yes", "--reason", "why" * 100], "must have at most 200 characters"),
        ],
    )
    def test_bad_arguments_are_refused(self, failed: list[OutboxMessage], arguments: list[str], said: str) -> None:
        assert said in refused("requeue_outbox", *arguments)
        assert statuses() == ["failed"] * 3


class TestStatus:
    def test_json_has_the_promised_shape(self, failed: list[OutboxMessage]) -> None:
        publish_one(failed[0].recipient)
        publish_one(failed[0].recipient)
        with running_loop(RecordingChannel("email")):
            shown = json.loads(command("outbox_status", "--json"))
        assert shown["messages"] == {
            "queued": 1,
            "pending": 1,
            "sending": 0,
            "sent": 0,
            "failed": 3,
            "cancelled": 0,
            "expired": 0,
        }
        assert 0 <= shown["oldest_due_seconds"] < 60
        assert shown["lanes"] == {"open": 1, "blocked": 0}
        assert shown["channels"].keys() == {"sms", "whatsapp", "email"}
        assert shown["channels"]["sms"] == {"state": "open", "sent_last_minute": 0, "failed_last_minute": 3}

    def test_it_shows_relays_at_work(self) -> None:
        with running_loop(RecordingChannel()):
            wait_until(lambda: json.loads(command("outbox_status", "--json"))["relays"])
            (relay,) = json.loads(command("outbox_status", "--json"))["relays"]
        assert relay.keys() == {"id", "host", "pid", "heartbeat_at", "in_flight", "concurrency"}
        assert json.loads(command("outbox_status", "--json"))["relays"] == [], "one that stopped is gone"

    def test_people_get_words(self, failed: list[OutboxMessage]) -> None:
        said = command("outbox_status")
        assert said.startswith("Nothing is due.")
        assert "No relay is running: start one with" in said
        (counts,) = [line.split("│")[1:-1] for line in said.splitlines() if line.count("│") == 8]
        assert [int(count) for count in counts] == [0, 0, 0, 0, 3, 0, 0]
        assert "\x1b" not in said, "colours are for terminals"

    def test_watched_in_a_terminal_it_stands_still_until_ctrl_c(
        self, failed: list[OutboxMessage], database_url: str
    ) -> None:
        """A real terminal, of 100 columns and 40 lines, and a real Ctrl-C."""
        manager, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        environment = {"DATABASE_URL": database_url, "DJANGO_DEBUG": "1", "TERM": "xterm"}
        watch = subprocess.Popen(
            [sys.executable, "manage.py", "outbox_status", "--watch", "0.2"],
            env=os.environ | environment,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=lambda: (  # noqa: PLW1509
                fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                signal.signal(signal.SIGINT, signal.default_int_handler),
            ),
        )
        os.close(terminal)
        said = b""
        while said.count(b"Nothing is due.") < 3:
            said += os.read(manager, 65536)
        os.write(manager, b"\x03")
        assert watch.wait(timeout=20) == 0
        with contextlib.suppress(OSError):  # the terminal is gone when all is read
            while more := os.read(manager, 65536):
                said += more
        os.close(manager)
        assert b"\x1b[?1049h" in said, "a screen of its own"
        assert b"\x1b[?1049l" in said, "which is given back"
        assert b"Traceback" not in said

    def test_a_monitor_is_told_by_the_exit_code(self) -> None:
        command("outbox_status", "--fail-if-older-than", "0")  # nothing waits
        message = publish_one(RecipientFactory())
        command("outbox_status", "--fail-if-older-than", "60")
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE notifications_outboxmessage SET next_attempt_at = now() - interval '61 seconds' WHERE id = %s",
                [message.pk],
            )
        assert "longer than 60 s" in refused("outbox_status", "--fail-if-older-than", "60")

    @pytest.mark.parametrize("arguments", [["--watch", "0"], ["--fail-if-older-than", "-1"], ["--watch", "soon"]])
    def test_bad_arguments_are_refused(self, arguments: list[str]) -> None:
        assert "must be a number of at least" in refused("outbox_status", *arguments)


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_execute_refunds_refuses_a_bad_limit(limit: str) -> None:
    assert "must be a whole number of at least 1" in refused("execute_refunds", "--limit", limit)


def test_execute_refunds_says_what_it_did() -> None:
    assert command("execute_refunds") == "Refunded 0; 0 not.\n"
    assert command("execute_refunds", verbosity=0) == ""
