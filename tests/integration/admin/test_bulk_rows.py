"""Every action on the rows of a list: all that match are done, row by row, on record; what fails is passed over."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings import bulk_actions, cancellation
from bookings.models import Booking, Setback, Slot
from notifications.admin import bulk_rows as pages
from notifications.models.audit import BulkItem, BulkReplay, OperatorAction
from notifications.operations import bulk_replay, bulk_rows
from tests.factories.bookings import CustomerFactory, SlotFactory, booking_of
from tests.factories.staff import staff

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 120  # more than a page of the list shows
SLOTS = reverse("admin:bookings_slot_changelist")
BOOKINGS = reverse("admin:bookings_booking_changelist")


def all_of(client: Client, address: str, action: str, **more: Any) -> Any:
    """Choose all that match, of which one is ticked, and the action; `more` confirms it."""
    one = more.pop("row")
    chosen = {"action": action, "select_across": "1", "_selected_action": [one.pk], **more}
    return client.post(address, chosen, follow=True)


def continued(client: Client, bulk: BulkReplay) -> Any:
    headers = {"accept": "application/json"}
    return client.post(reverse("admin:notifications_bulkreplay_continue", args=[bulk.pk]), headers=headers)


def many_slots(title: str, number: int = MANY) -> list[Slot]:
    return Slot.objects.bulk_create(SlotFactory.build(title=title, is_published=False) for _ in range(number))


def test_all_that_match_are_done_and_only_what_the_page_showed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "SECONDS", 0.0)
    monkeypatch.setattr("notifications.admin.bulk_replay.SECONDS", 0.0)
    client = staff("view_slot", "change_slot")
    slots, other = many_slots("Kayak"), SlotFactory(title="Hike", is_published=False)
    list_of = f"{SLOTS}?q=Kayak"
    page = all_of(client, list_of, "publish", row=slots[0])
    assert f"{MANY} slots: the first 20" in page.content.decode(), "it is asked, and says how many"
    later = SlotFactory(title="Kayak", is_published=False)
    sent = {"row": slots[0], "reason": "spring", "seen": MANY, "last": page.context["last"]}
    page = all_of(client, list_of, "publish", **sent | {"seen": MANY - 1})
    assert "look again" in page.content.decode()
    assert not BulkReplay.objects.exists()
    bulk = all_of(client, list_of, "publish", **sent).context["bulk"]
    assert (bulk.total, bulk.replayed, bulk.finished_at) == (MANY, 1, None), "a batch a request"
    assert continued(client, bulk).json() == {"replayed": 2, "ended": 2, "total": MANY, "is_finished": False}
    bulk = bulk_replay.work(bulk.pk, seconds=60)
    assert (bulk.replayed, bulk.finished_at is None) == (MANY, False)
    assert set(Slot.objects.filter(is_published=False)) == {other, later}
    assert OperatorAction.objects.filter(bulk=bulk, action="publish_slot", reason="spring").count() == MANY


def test_a_bad_row_is_reported_and_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "SHOWN", 2)
    bookings = [booking_of(CustomerFactory()) for _ in range(4)]
    past, broken, good, last = bookings
    Slot.objects.filter(pk=past.slot_id).update(starts_at=timezone.now() - timedelta(hours=1))
    genuine = cancellation.cancel

    def cancel(booking_id: int, **words: Any) -> Booking:
        if booking_id == broken.pk:
            raise ZeroDivisionError("Ann's phone is +14155550123")
        return genuine(booking_id, **words)

    monkeypatch.setattr(cancellation, "cancel", cancel)
    client = staff("view_booking", "cancel_booking")
    sent = {"row": past, "reason": "a storm", "seen": 4, "last": last.pk}
    page = all_of(client, BOOKINGS, "cancel_selected", **sent).content.decode()
    assert "Cancelled 2 of 4." in page
    assert "2 passed over" in page
    assert f"Booking {past.pk}: " in page
    assert "It failed: ZeroDivisionError. The log says where." in page
    assert "+1415" not in page
    cancelled = Booking.objects.filter(status="cancelled").values_list("pk", flat=True)
    assert set(cancelled) == {good.pk, last.pk}
    assert OperatorAction.objects.filter(action="cancel_booking").count() == 2


def test_it_is_stopped_taken_up_and_done_once_however_often_it_is_tried() -> None:
    slots = many_slots("Kayak", 6)
    action = bulk_actions.PUBLISH_SLOTS
    begun = bulk_rows.start(action, Slot.objects.all(), actor="ana", reason="spring")
    bulk_rows.work_on_next(begun)
    BulkItem.objects.filter(row=slots[0].pk).update(is_done=None)  # as if the process died before it was written down
    client = staff("view_slot", "change_slot")
    client.post(reverse("admin:notifications_bulkreplay_stop", args=[begun.pk]))
    assert bulk_replay.work(begun.pk, seconds=9).replayed == 1
    page = client.get(reverse("admin:notifications_bulkreplay_change", args=[begun.pk])).content.decode()
    assert "The other 5 stay as they are." in page
    BulkReplay.objects.update(finished_at=None, worked_at=timezone.now() - timedelta(minutes=1))
    assert bulk_replay.finish_abandoned(seconds=9) == 1, "a relay finishes what nobody watches"
    assert not Slot.objects.filter(is_published=False).exists()
    assert OperatorAction.objects.filter(action="publish_slot").count() == 6, "none is done twice"
    assert bulk_rows.prune_items(timezone.now() - timedelta(minutes=1)) == 0
    assert bulk_rows.passed_over(begun).get().said == f"Slot {slots[0].pk} was published before."
    assert bulk_rows.prune_items(timezone.now() + timedelta(minutes=1)) == 6


def test_each_action_needs_its_own_permission_and_so_does_going_on() -> None:
    (slot,) = many_slots("Kayak", 1)
    looking, changing = staff("view_slot", name="ben"), staff("view_slot", "change_slot")
    for name, (needs, client) in {
        "publish": ("change", looking),
        "cancel_selected": ("cancel", changing),
        "copy_weekly": ("add", changing),
        "delete_selected": ("delete", changing),
    }.items():
        assert f'value="{name}"' not in client.get(SLOTS).content.decode(), needs
        all_of(client, SLOTS, name, row=slot, reason="x", seen=1, until="2099-01-01")
    assert not BulkReplay.objects.exists()
    begun = bulk_rows.start(bulk_actions.CANCEL_SLOTS, Slot.objects.all(), actor="ana", reason="x")
    for what in ("continue", "stop"):
        address = reverse(f"admin:notifications_bulkreplay_{what}", args=[begun.pk])
        assert changing.post(address).status_code == 403
    assert changing.get(reverse("admin:notifications_bulkreplay_change", args=[begun.pk])).status_code == 403


def test_every_other_action_goes_the_same_way(admin_client: Client) -> None:
    """Copies, deletions and what was ticked one by one: told on the list, and kept where something refers to it."""
    booked = booking_of(CustomerFactory()).slot
    free = SlotFactory(title="Canoe")
    until = (free.starts_at + timedelta(days=14)).date().isoformat()
    page = all_of(admin_client, SLOTS, "copy_weekly", row=free, seen=2, last=free.pk, reason="spring", until=until)
    assert f"{free}: 2 slots made." in page.content.decode()
    page = all_of(admin_client, f"{SLOTS}?q=Canoe", "delete_selected", row=free, seen=3, reason="no spring")
    assert f"Slot {free.pk} is deleted." in page.content.decode()
    deleted = OperatorAction.objects.filter(action="delete", reason="no spring")
    assert deleted.count() == 3
    assert deleted.get(subject=f"slot:{free.pk}").before["title"] == "Canoe"
    page = all_of(admin_client, f"{SLOTS}?q={booked.pk}", "delete_selected", row=booked, seen=1, reason="x")
    assert f"Slot {booked.pk} is kept: " in page.content.decode()
    setback = Setback.objects.create(job="sweep", row=1, error="x", next_try_at=timezone.now())
    all_of(admin_client, reverse("admin:bookings_setback_changelist"), "delete_selected", row=setback, reason="mended")
    assert not Setback.objects.exists()
