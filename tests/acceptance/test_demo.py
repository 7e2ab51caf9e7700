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
from django.utils import timezone

from bookings.models import Slot
from config.demo import seed
from config.scratch_databases import with_database
from tests.stage.embedded import has_ended
from tests.stage.scratch import beside, database_of
from tests.stage.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def demo_database(database_url: str) -> Iterator[str]:
    """A database for the demo alone, beside that of the tests."""
    yield (url := beside(database_url, "demo"))
    with psycopg.connect(with_database(database_url, "postgres"), autocommit=True) as connection:
        ours = "SELECT datname FROM pg_database WHERE datname ~ ('^' || %s || '(_[0-9]+)?$')"
        for (name,) in connection.execute(ours, [database_of(url)]).fetchall():
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # or its demo just did


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


def test_every_message_arrives_once_and_in_order_two_at_once_and_again(demo_database: str) -> None:
    for at_once in (2, 1):
        for demo in [start(demo_database, "--json") for _ in range(at_once)]:
            output, _ = demo.communicate(timeout=110)
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


@pytest.mark.django_db
def test_a_second_run_offers_the_same_slots_each_at_a_place() -> None:
    now = timezone.now()
    assert seed.slots(seats=60, now=now) == len(seed.OFFERS)
    offered = {slot.pk for slot in Slot.objects.all() if slot.place and slot.map_url and slot.description}
    assert seed.slots(seats=90, now=now) == len(seed.OFFERS)
    assert {slot.pk for slot in Slot.objects.all()} == offered
    assert sum(slot.capacity for slot in Slot.objects.all()) >= 90


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])  # Ctrl-C ends it as SIGTERM does
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
