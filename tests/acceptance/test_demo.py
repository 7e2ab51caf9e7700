"""`make demo` on a small scale: its promises, its figures, and that it leaves nothing running however it is ended."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.scratch_databases import with_database
from tests.stage.embedded import has_ended
from tests.stage.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def demo_database(database_url: str) -> Iterator[str]:
    """A database for the demo alone, beside that of the tests."""
    yield with_database(database_url, "test_demo")
    with psycopg.connect(with_database(database_url, "postgres"), autocommit=True) as connection:
        names = connection.execute("SELECT datname FROM pg_database WHERE datname ~ '^test_demo(_[0-9]+)?$'").fetchall()
        for (name,) in names:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def start(url: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "config.demo", "--customers", "4", "--bookings", "8", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.demo.settings"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  (a shell's `&` ignores it)
    )


def children_of(number: int) -> list[int]:
    """The demo's processes; each leads a session of its own."""
    return [int(child) for child in Path(f"/proc/{number}/task/{number}/children").read_text().split()]


def test_every_message_arrives_once_and_in_order_twice_in_a_row(demo_database: str) -> None:
    for _ in range(2):
        demo = start(demo_database, "--json")
        output, _ = demo.communicate(timeout=90)
        assert demo.returncode == 0, output
        figures = json.loads(output.splitlines()[-1])
        assert figures.pop("seconds") > 0
        assert figures == {
            "bookings": 8,
            "messages": 24,
            "sent": 23,
            "failed": 1,
            "lost": 0,
            "out_of_order": 0,
            "duplicates": 0,
        }
        assert "twilio_21614" in output


def test_two_demos_at_once_do_not_get_in_each_others_way(demo_database: str) -> None:
    demos = [start(demo_database, "--json") for _ in range(2)]
    for demo in demos:
        output, _ = demo.communicate(timeout=110)
        assert demo.returncode == 0, output
        assert json.loads(output.splitlines()[-1])["lost"] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_is_ended_it_leaves_nothing_running(demo_database: str, number: signal.Signals) -> None:
    demo = start(demo_database, "--serve", "--port", "0")
    assert demo.stdout is not None
    for line in demo.stdout:
        if "Everything stays up" in line:
            break
    processes = children_of(demo.pid)
    assert len(processes) >= 4, "gateway, providers, web and relay"
    demo.send_signal(number)
    output, _ = demo.communicate(timeout=30)
    assert demo.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130), output
    wait_until(lambda: all(map(has_ended, processes)))
