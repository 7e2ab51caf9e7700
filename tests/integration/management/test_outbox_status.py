"""outbox_status: its JSON, its words, its watch in a terminal, and its exit code for monitors."""

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

import pytest
from django.db import connection

from notifications.models import OutboxMessage
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.commands import command, refused
from tests.stage.relay import RecordingChannel, running_loop
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


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
        assert said.startswith("No relay is running: nothing is sent.")
        assert "2 messages by sms (test.greeting) failed in the last 15 minutes: nobody can be reached" in " ".join(
            said.split()
        )
        assert "Nothing is due." in said
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
    def test_the_status_refuses_bad_arguments(self, arguments: list[str]) -> None:
        assert "must be a number of at least" in refused("outbox_status", *arguments)
