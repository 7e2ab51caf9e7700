"""The tables of the clock say when a task runs. Whoever writes to them runs nothing of their own."""

import os
import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.utils import timezone
from django_q import core_signing
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule, Success, Task
from django_q.signing import PickleSerializer, SignedPackage

from bookings import cluster, schedules
from tests.stage.qcluster import KEY
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

OURS = "bookings.schedules.expire_holds"
PAGES = {  # every page of the admin, and whose it is
    "auth.Group": "config",
    "auth.User": "config",
    "axes.AccessAttempt": "config",
    "bookings.AccessToken": "bookings",
    "bookings.Booking": "bookings",
    "bookings.Customer": "bookings",
    "bookings.Order": "bookings",
    "bookings.Payment": "bookings",
    "bookings.Refund": "bookings",
    "bookings.ScheduledTask": "bookings",
    "bookings.Setback": "bookings",
    "bookings.Slot": "bookings",
    "bookings.StaffToken": "bookings",
    "notifications.BulkReplay": "notifications",
    "notifications.ChannelState": "notifications",
    "notifications.OperatorAction": "notifications",
    "notifications.OutboxMessage": "notifications",
    "notifications.Recipient": "notifications",
    "notifications.Relay": "notifications",
    "notifications.Spending": "notifications",
    "notifications.Usage": "notifications",
}


class Malicious:
    """What unpickling would run."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


def a_task(**more: Any) -> dict[str, Any]:
    return {"id": "1", "name": "one", "func": OURS, "args": (), "kwargs": {}, "started": timezone.now()} | more


def queued(task: Any, *, key: str = "") -> None:
    signed = core_signing.dumps(task, key=key or Conf.SECRET_KEY, salt=Conf.PREFIX, serializer=PickleSerializer)
    OrmQ.objects.create(key=Conf.CLUSTER_NAME, payload=signed, lock=timezone.now() - timedelta(minutes=1))


def test_every_page_of_the_admin_is_one_that_we_know() -> None:
    registered = {model._meta.label: type(page).__module__ for model, page in admin.site._registry.items()}
    assert registered.keys() == PAGES.keys()
    assert [label for label, module in registered.items() if not module.startswith(PAGES[label])] == []


@pytest.mark.parametrize("page", ["schedule", "success", "failure", "ormq"])
def test_the_pages_that_came_with_the_package_are_gone(admin_client: Client, page: str) -> None:
    assert admin_client.get(f"/admin/django_q/{page}/").status_code == 404
    assert admin_client.get(f"/admin/django_q/{page}/add/").status_code == 404


def test_what_the_clock_queues_comes_from_the_settings_alone(caplog: pytest.LogCaptureFixture) -> None:
    schedules.install()
    past = timezone.now() - timedelta(hours=1)
    Schedule.objects.update(next_run=past)
    Schedule.objects.filter(name="expire holds").update(
        func="subprocess.getoutput", args="('id',)", kwargs="{'q_options': {'sync': True}}", hook="os.system"
    )
    Schedule.objects.filter(name="sweep payments").update(kwargs="[", args="(")
    Schedule.objects.filter(name="queue reminders").update(repeats=0)
    Schedule.objects.create(name="mine", func="subprocess.getoutput", args="'id'", next_run=past)
    cluster.scheduler()
    queue = [SignedPackage.loads(row.payload) for row in OrmQ.objects.all()]
    assert {task["group"]: task["func"] for task in queue} == {
        name: function for name, (function, _) in schedules.settings.SCHEDULES.items() if name != "queue reminders"
    }
    assert {(task["args"], *task["kwargs"]) for task in queue} == {((),)}
    assert not any({"hook", "sync", "chain"} & set(task) for task in queue)
    assert caplog.text.count("'subprocess.getoutput', which is not its function") == 2
    cluster.scheduler()
    assert OrmQ.objects.count() == len(queue), "each is queued once a period"
    assert Schedule.objects.get(name="expire holds").next_run > timezone.now()


@pytest.mark.parametrize(
    ("task", "why"),
    [
        (a_task(func="subprocess.getoutput", args=("id",)), "'subprocess.getoutput' is not in settings.SCHEDULES"),
        (a_task(func=os.getcwd), "UnpicklingError"),
        (a_task(args=("id",)), "no arguments"),
        (a_task(kwargs={"now": 1}), "no arguments"),
        (a_task(hook="subprocess.getoutput"), "hook"),
        (a_task(chain=[("subprocess.getoutput", ("id",))]), "chain"),
        (a_task(sync=True), "sync"),
        (a_task(func=["subprocess.getoutput"]), "not in settings.SCHEDULES"),
        ([1], "no task"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_queued_task_that_asks_for_more_is_refused_and_removed(
    task: Any, why: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Conf, "BULK", 2)
    queued(task)
    queued(a_task())
    ((pk, _),) = cluster.Broker().dequeue()
    assert list(OrmQ.objects.values_list("pk", flat=True)) == [pk]
    assert why in caplog.text


@pytest.mark.parametrize("key", ["", "somebody else's key"])
def test_a_pickle_is_not_opened_to_look_at_it(key: str, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    queued(Malicious(f"touch {opened}"), key=key)
    assert cluster.Broker().dequeue() == []
    assert not opened.exists()
    pickle.loads(pickle.dumps(Malicious(f"touch {opened}")))
    assert opened.exists(), "the attack itself works"


def test_a_real_cluster_runs_nothing_that_its_tables_ask_for(qcluster: Any, tmp_path: Path) -> None:
    ran = [tmp_path / name for name in ("schedule", "task", "hook", "chain", "pickle", "result")]
    past = timezone.now() - timedelta(hours=1)
    Schedule.objects.create(name="mine", func="subprocess.getoutput", args=f"'touch {ran[0]}'", next_run=past)
    queued(a_task(id="2", func="subprocess.getoutput", args=(f"touch {ran[1]}",)), key=KEY)
    queued(a_task(id="3", hook="tests.stage.qcluster.fail"), key=KEY)
    queued(a_task(id="4", group="", cached=False, sync=False, chain=[("os.system", (f"touch {ran[3]}",))]), key=KEY)
    queued(Malicious(f"touch {ran[4]}"), key=KEY)
    running = qcluster()
    wait_until(lambda: Success.objects.filter(func=OURS).exists(), seconds=60)
    wait_until(lambda: running.printed().count("was refused and removed") == 4, seconds=60)
    wait_until(lambda: "Schedule" in running.printed() and "refused." in running.printed(), seconds=60)
    assert running.stop() == 0
    assert [path.name for path in ran if path.exists()] == []
    assert not Task.objects.filter(func__contains="getoutput").exists()


def test_no_row_calls_a_hook_in_whatever_process_writes_it(tmp_path: Path) -> None:
    """In django-q2 saving a result calls what its `hook` names, with the result; `os.unlink` would take a path."""
    called: list[Task] = []
    now = timezone.now()
    globals()["told"] = called.append
    Task.objects.create(id="1", name="1", func=OURS, hook=f"{__name__}.told", started=now, stopped=now, success=True)
    assert called == []
