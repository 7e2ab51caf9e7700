"""The clock: each job in its period and in one process at a time, apart from the others, whatever the database does."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from pytest_django import Settings

from notifications.checks.promises import settings_fit_together, something_runs_the_clock
from notifications.clock.jobs import JOBS, Job
from notifications.clock.run import Clock
from notifications.lifecycle import HELD
from notifications.models import ClockJob, OutboxMessage
from notifications.selectors.overview import overview
from tests.factories.notifications import RecipientFactory, publish_one
from tests.stage.relay import ROOT
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def clock_of(*jobs: Job) -> Clock:
    """A clock whose jobs are known to the database: the first call only writes them."""
    clock = Clock("default", jobs=jobs)
    assert clock.tick() == []
    return clock


def finish(threads: list[threading.Thread]) -> int:
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    return len(threads)


def let_pass(seconds: float) -> None:
    passed = timedelta(seconds=seconds)
    ClockJob.objects.update(due_at=F("due_at") - passed, running_until=F("running_until") - passed)


@pytest.fixture
def ran() -> list[str]:
    return []


@pytest.fixture
def job(ran: list[str]) -> Callable[..., Job]:
    def make(name: str = "a job", **facts: Any) -> Job:
        return Job(name, lambda using: ran.append(f"{name} on {using}"), **({"period": 60.0, "lease": 300.0} | facts))

    return make


def test_a_job_runs_once_in_its_period(job: Callable[..., Job], ran: list[str]) -> None:
    clock = clock_of(job())

    assert [finish(clock.tick()), finish(clock.tick())] == [1, 0]
    let_pass(61)
    assert finish(clock.tick()) == 1

    assert ran == ["a job on default"] * 2


def test_of_two_clocks_one_runs_a_job(job: Callable[..., Job], ran: list[str]) -> None:
    clocks = [clock_of(job()), Clock("default", jobs=[job()])]
    start = threading.Barrier(2)

    def tick(clock: Clock) -> None:
        start.wait(20)
        finish(clock.tick())
        connection.close()

    threads = [threading.Thread(target=tick, args=(clock,)) for clock in clocks]
    for thread in threads:
        thread.start()
    finish(threads)

    assert ran == ["a job on default"]


def test_a_job_that_fails_or_hangs_stops_no_other(job: Callable[..., Job], ran: list[str]) -> None:
    let_go = threading.Event()
    failing = Job("failing", lambda _: 1 / 0, period=60, lease=300)
    hanging = Job("hanging", lambda _: let_go.wait(20), period=60, lease=300)
    clock = clock_of(failing, hanging, job())

    threads = clock.tick()
    wait_until(lambda: ClockJob.objects.filter(ended_at__isnull=False).count() == 2)
    let_pass(61)
    again = clock.tick()
    wait_until(lambda: len(ran) == 2)
    let_go.set()

    assert [finish(threads), finish(again)] == [3, 2]  # what still runs is not begun again
    failed = ClockJob.objects.get(name="failing")
    assert (failed.error, failed.failures) == ("ZeroDivisionError", 2)
    assert set(ClockJob.objects.exclude(name="failing").values_list("error", flat=True)) == {""}


def test_a_job_of_a_process_that_died_runs_again_after_its_lease(job: Callable[..., Job]) -> None:
    clock = clock_of(job())
    finish(clock.tick())
    ClockJob.objects.update(running_until=F("started_at") + timedelta(seconds=300))  # as it would have been left

    let_pass(200)
    assert clock.tick() == []
    let_pass(101)
    assert finish(clock.tick()) == 1


def test_a_database_that_can_only_be_read_does_not_end_it(job: Callable[..., Job]) -> None:
    clock = clock_of(job())
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")

    assert clock.tick() == []  # and it closes the connection, for the server may no longer be the one to write to
    assert finish(clock.tick()) == 1


def test_a_database_that_is_away_does_not_end_it(job: Callable[..., Job]) -> None:
    clock = clock_of(job())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    end = threading.Thread(target=_end_session, args=(pid,))
    end.start()
    finish([end])

    assert clock.tick() == []
    assert finish(clock.tick()) == 1


def _end_session(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    connection.close()


def test_every_job_of_the_package_runs() -> None:
    """With nothing to do; what each does has tests of its own."""
    assert finish(clock_of(*JOBS).tick()) == len(JOBS)

    assert list(ClockJob.objects.exclude(error="").values_list("name", "error")) == []


@pytest.fixture
def held() -> Iterator[OutboxMessage]:
    """A message whose quiet hours are over."""
    message = publish_one(RecipientFactory.create())
    OutboxMessage.objects.update(status="queued", lane=HELD)
    return message


def is_released(message: OutboxMessage) -> bool:
    return not OutboxMessage.objects.filter(pk=message.pk, lane=HELD).exists()


def test_a_relay_does_the_periodic_work(relay_process: Callable[..., Any], held: OutboxMessage) -> None:
    relay_process()

    wait_until(lambda: is_released(held), seconds=60)


def test_a_relay_leaves_it_where_the_clock_runs_apart(relay_process: Callable[..., Any], held: OutboxMessage) -> None:
    relay_process(OUTBOX_CLOCK="apart")
    wait_until(lambda: overview().relays, seconds=60)

    assert not ClockJob.objects.exists()


def test_a_clock_of_its_own_does_it_and_stops_when_told(held: OutboxMessage, database_url: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "run_outbox_clock"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database_url, "DJANGO_DEBUG": "1", "OUTBOX_CLOCK": "apart"},
    )
    try:
        wait_until(lambda: is_released(held), seconds=60)
        process.send_signal(signal.SIGTERM)

        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def test_check_and_status_say_that_nothing_runs_it(capsys: pytest.CaptureFixture[str], held: OutboxMessage) -> None:
    assert [each.id for each in something_runs_the_clock(databases=["default"])] == ["notifications.W003"]
    call_command("outbox_status")
    assert "Nothing has run the outbox's clock yet" in " ".join(capsys.readouterr().out.split())

    finish(clock_of(*JOBS).tick())

    assert something_runs_the_clock(databases=["default"]) == []
    assert overview().clock["release held messages"]["failures"] == 0
    call_command("outbox_status")
    assert "The clock runs" in capsys.readouterr().out


def test_a_new_projects_check_says_nothing_of_it() -> None:
    assert something_runs_the_clock(databases=["default"]) == []
    assert something_runs_the_clock() == []


def test_who_runs_it_is_one_of_two_words(settings: Settings) -> None:
    settings.OUTBOX_CLOCK = "nobody"

    assert [each.id for each in settings_fit_together()] == ["notifications.E015"]
