"""A form of the admin writes what somebody changed in it, and nothing that it merely showed."""

import threading
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse

from bookings import cancellation
from bookings.models import Slot
from notifications.admin.changed_fields import ChangedFieldsAdmin, ChangedFieldsForm
from notifications.models import ConsentRecord, Recipient
from notifications.recipients import opt_outs
from tests.factories.bookings import SlotFactory
from tests.factories.notifications import RecipientFactory
from tests.stage.admin_forms import form_at

pytestmark = pytest.mark.django_db(transaction=True)


def address_of(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


@pytest.fixture
def slot() -> Any:
    return SlotFactory(capacity=10)


def test_every_page_that_writes_a_row_writes_changed_fields_only(rf: Any, admin_user: Any) -> None:
    request = rf.get("/")
    request.user = admin_user
    writing = [page for page in admin.site._registry.values() if page.has_change_permission(request)]
    ours = [page for page in writing if not type(page).__module__.startswith("django.")]
    assert len(ours) >= 2
    for page in ours:
        assert isinstance(page, ChangedFieldsAdmin), page
        assert issubclass(page.form, ChangedFieldsForm), page


def test_a_title_can_be_changed_while_seats_are_sold(admin_client: Client, slot: Slot) -> None:
    sent = form_at(admin_client, address_of(slot)) | {"title": "Sunrise"}
    assert slot.take_seats(10)
    assert admin_client.post(address_of(slot), sent).status_code == 302
    slot.refresh_from_db()
    assert (slot.title, slot.seats_taken) == ("Sunrise", 10)
    assert not Slot.objects.get(pk=slot.pk).take_seats(10), "ten seats are ten seats"


def test_a_cancelled_slot_stays_cancelled(admin_client: Client, slot: Slot) -> None:
    sent = form_at(admin_client, address_of(slot)) | {"title": "Sunrise"}
    cancellation.cancel_slot(slot.pk)
    assert admin_client.post(address_of(slot), sent).status_code == 302
    slot.refresh_from_db()
    assert slot.title == "Sunrise"
    assert slot.is_cancelled


def test_two_forms_keep_each_others_changes(admin_client: Client, slot: Slot) -> None:
    first, second = form_at(admin_client, address_of(slot)), form_at(admin_client, address_of(slot))
    admin_client.post(address_of(slot), first | {"title": "Sunrise"})
    admin_client.post(
        address_of(slot), second | {"price": "4000", "starts_at_0": "2040-01-01", "ends_at_0": "2040-01-02"}
    )
    slot.refresh_from_db()
    assert (slot.title, slot.price, slot.starts_at.year) == ("Sunrise", 4000, 2040)


def test_a_conflict_is_shown_and_nothing_is_overwritten(admin_client: Client, slot: Slot) -> None:
    first, second = form_at(admin_client, address_of(slot)), form_at(admin_client, address_of(slot))
    admin_client.post(
        address_of(slot), first | {"title": "Sunrise", "starts_at_0": "2040-01-01", "ends_at_0": "2040-01-02"}
    )
    answer = admin_client.post(address_of(slot), second | {"title": "Noon", "price": "1"})
    assert answer.status_code == 200
    assert "it is now Sunrise" in answer.content.decode()
    slot.refresh_from_db()
    assert (slot.title, slot.price) == ("Sunrise", 1250)
    assert admin_client.post(address_of(slot), second | {"starts_at_0": "2041-01-01"}).status_code == 200
    assert admin_client.post(address_of(slot), second | {"title": "Sunrise"}).status_code == 302, "what is so already"


def test_a_form_without_what_was_shown_changes_nothing(admin_client: Client, slot: Slot) -> None:
    sent = form_at(admin_client, address_of(slot)) | {"title": "Noon"}
    bare = {name: value for name, value in sent.items() if not name.startswith("initial-")}
    assert admin_client.post(address_of(slot), bare).status_code == 200
    slot.refresh_from_db()
    assert slot.title != "Noon"


def test_the_capacity_is_not_less_than_what_is_sold(admin_client: Client, slot: Slot) -> None:
    sent = form_at(admin_client, address_of(slot)) | {"capacity": "3"}
    assert slot.take_seats(4)
    assert "4 seats are taken." in admin_client.post(address_of(slot), sent).content.decode()


def test_seats_that_are_sold_between_reading_and_writing_stay_sold(
    admin_client: Client, slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is read when the form arrives and written later: whoever books in between waits or counts."""
    customers: list[threading.Thread] = []

    def book() -> None:
        Slot.objects.get(pk=slot.pk).take_seats(3)
        connection.close()

    def meanwhile(form: ChangedFieldsForm) -> dict[str, Any]:
        customers.append(threading.Thread(target=book))
        customers[0].start()
        customers[0].join(timeout=0.5)
        return checked(form)

    checked = ChangedFieldsForm.clean
    monkeypatch.setattr(ChangedFieldsForm, "clean", meanwhile)
    sent = form_at(admin_client, address_of(slot)) | {"title": "Sunrise"}
    assert admin_client.post(address_of(slot), sent).status_code == 302
    customers[0].join(timeout=20)
    slot.refresh_from_db()
    assert (slot.title, slot.seats_taken) == ("Sunrise", 3)


def test_a_stop_that_came_while_the_page_was_open_stays(admin_client: Client) -> None:
    recipient = RecipientFactory(opt_outs=["whatsapp"])
    sent = form_at(admin_client, address_of(recipient)) | {
        "locale": "de",
        "opt_outs": ["email:reminder"],
        "reason": "called",
    }
    opt_outs.apply_keyword(phone=recipient.phone, channel="sms", text="STOP")
    assert admin_client.post(address_of(recipient), sent).status_code == 302
    recipient = Recipient.objects.get(pk=recipient.pk)
    assert (recipient.locale, recipient.opt_outs) == ("de", ["email:reminder", "sms"])
    by_staff = ConsentRecord.objects.filter(how="staff")
    assert {(each.channel, each.purpose, each.is_opt_in) for each in by_staff} == {
        ("email", "reminder", False),
        ("whatsapp", "", True),
    }


def test_an_address_that_was_corrected_meanwhile_stays(admin_client: Client) -> None:
    recipient = RecipientFactory()
    sent = form_at(admin_client, address_of(recipient)) | {"locale": "de"}
    Recipient.objects.filter(pk=recipient.pk).update(phone="+4930901820", time_zone="Europe/Berlin")
    assert admin_client.post(address_of(recipient), sent).status_code == 302
    recipient.refresh_from_db()
    assert (recipient.locale, recipient.phone, recipient.time_zone) == ("de", "+4930901820", "Europe/Berlin")
