"""Staff see the schedules, and pause and resume them, with a reason, on record; the cluster heeds it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Success

from bookings import cluster, schedules
from notifications.models import OperatorAction
from tests.factories.staff import staff
from tests.security.test_schedules import a_task, queued
from tests.stage.qcluster import KEY
from tests.stage.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = reverse("admin:bookings_scheduledtask_changelist")
NAME = "expire holds"


@pytest.fixture(autouse=True)
def installed() -> None:
    schedules.install()


def switch(client: Client, verb: str, *, name: str = NAME, **more: str) -> Any:
    pk = Schedule.objects.get(name=name).pk
    return client.post(PAGE, {"action": f"{verb}_selected", "_selected_action": [pk], **more}, follow=True)


def repeats(name: str = NAME) -> int:
    return Schedule.objects.values_list("repeats", flat=True).get(name=name)


def test_a_pause_asks_why_is_on_record_and_ends() -> None:
    client = staff("view_scheduledtask", "pause_scheduledtask")
    assert 'name="reason"' in switch(client, "pause").content.decode()
    assert repeats() == -1, "nothing is done without a reason"
    past = timezone.now() - timedelta(hours=1)
    Schedule.objects.update(next_run=past)
    for verb, left in (("pause", 0), ("pause", 0), ("resume", -1), ("resume", -1)):
        assert switch(client, verb, reason=f"{verb}, they said").status_code == 200
        assert repeats() == left
    assert [(row.action, row.subject, row.actor, row.reason) for row in OperatorAction.objects.order_by("id")] == [
        ("pause_schedule", f"schedule:{NAME}", "support", "pause, they said"),
        ("resume_schedule", f"schedule:{NAME}", "support", "resume, they said"),
    ]
    assert Schedule.objects.get(name=NAME).next_run > past, "it runs at once"


def test_who_may_only_look_changes_nothing() -> None:
    looking = staff("view_scheduledtask", "change_schedule", "add_schedule", "delete_schedule")
    assert "expire holds" in looking.get(PAGE).content.decode()
    assert switch(looking, "pause", reason="for fun").status_code in (200, 403)
    pk = Schedule.objects.get(name=NAME).pk
    for address in (f"{PAGE}add/", f"{PAGE}{pk}/delete/"):
        assert looking.post(address, {"func": "os.getcwd", "name": NAME}).status_code == 403
    assert looking.post(f"{PAGE}{pk}/change/", {"func": "os.getcwd", "name": NAME}).status_code == 403
    assert Schedule.objects.values_list("func", "repeats").get(pk=pk) == ("bookings.schedules.expire_holds", -1)
    assert not OperatorAction.objects.exists()
    assert staff("view_slot", name="other").get(PAGE).status_code == 403


def test_only_our_schedules_are_on_the_page() -> None:
    foreign = Schedule.objects.create(name="mine", func="subprocess.getoutput")
    client = staff("view_scheduledtask", "pause_scheduledtask")
    assert "getoutput" not in client.get(PAGE).content.decode()
    switch(client, "pause", name="mine", reason="try")
    foreign.refresh_from_db()
    assert foreign.repeats == -1


def test_a_task_that_was_queued_before_the_pause_is_not_begun() -> None:
    client = staff("view_scheduledtask", "pause_scheduledtask")
    queued(a_task())
    switch(client, "pause", reason="wait")
    assert cluster.Broker().dequeue() == []
    assert not OrmQ.objects.exists()
    cluster.scheduler()
    assert NAME not in {row.task["group"] for row in OrmQ.objects.all()}
    OrmQ.objects.all().delete()
    switch(client, "resume", reason="go on")
    queued(a_task())
    assert len(cluster.Broker().dequeue()) == 1
    OrmQ.objects.all().delete()
    cluster.scheduler()
    assert NAME in {row.task["group"] for row in OrmQ.objects.all()}, "its next run is due at once"


def test_a_running_cluster_heeds_the_pause(qcluster: Any) -> None:
    client = staff("view_scheduledtask", "pause_scheduledtask")
    switch(client, "pause", reason="wait")
    Schedule.objects.update(next_run=timezone.now() - timedelta(minutes=1))
    queued(a_task(), key=KEY)
    running = qcluster()
    wait_until(lambda: "its schedule is paused" in running.printed(), seconds=60)
    wait_until(lambda: Success.objects.filter(func="bookings.schedules.queue_reminders").exists(), seconds=60)
    assert not Success.objects.filter(func="bookings.schedules.expire_holds").exists()
    switch(client, "resume", reason="go on")
    queued(a_task(), key=KEY)  # as the cluster's scheduler does, but not half a minute later
    wait_until(lambda: Success.objects.filter(func="bookings.schedules.expire_holds").exists(), seconds=60)
    assert running.stop() == 0
