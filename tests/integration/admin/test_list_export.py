"""Every list as CSV: for who may, on record, masked unless allowed, and no cell is a formula."""

import csv
import io
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from notifications.admin import list_export
from notifications.admin.csv_file import cell
from notifications.admin.list_export import ListExport
from notifications.models import OperatorAction, Recipient
from tests.factories.notifications import RecipientFactory, publish_one
from tests.factories.staff import staff

pytestmark = pytest.mark.django_db(transaction=True)
RECIPIENTS, MESSAGES = "/admin/notifications/recipient/", "/admin/notifications/outboxmessage/"


@pytest.fixture
def recipient() -> Recipient:
    user = User.objects.create_user("=cmd|' /C calc'!A0", "ann@example.com")
    recipient: Recipient = RecipientFactory(user=user, phone="+14155550123", email="ann@example.com")
    return recipient


def rows(client: Client, address: str, **query: Any) -> list[dict[str, str]]:
    answer: Any = client.get(f"{address}csv/", query)
    assert answer.status_code == 200, answer.content
    assert answer.streaming
    return list(csv.DictReader(io.StringIO(b"".join(answer).decode())))


def test_people_are_masked_for_who_may_not_take_them_home(recipient: Recipient) -> None:
    (row,) = rows(staff("view_recipient", "export_lists"), RECIPIENTS)
    assert (row["phone"], row["email"]) == ("'+1415…23", "a…@example.com")
    assert "cmd" not in row["user"][6:]
    (row,) = rows(staff("view_recipient", "export_lists", "export_personal_data", name="dpo"), RECIPIENTS)
    assert (row["phone"], row["email"], row["user"]) == ("'+14155550123", "ann@example.com", "'=cmd|' /C calc'!A0")


def test_it_has_what_the_filters_leave_and_is_on_record(recipient: Recipient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_export, "BATCH", 2)
    messages = [publish_one(recipient, reference=f"booking:{number}") for number in range(5)]
    client = staff("view_outboxmessage", "export_lists")
    assert "csv/?q=booking%3A3" in client.get(MESSAGES, {"q": "booking:3"}).content.decode()
    assert [row["ID"] for row in rows(client, MESSAGES)] == [str(message.pk) for message in messages[::-1]]
    assert [row["ID"] for row in rows(client, MESSAGES, q="booking:3")] == [str(messages[3].pk)]
    assert [row["status"] for row in rows(client, MESSAGES, status__exact="pending")] == ["goes next (pending)"]
    last = OperatorAction.objects.latest("pk")
    assert (last.action, last.subject, last.actor) == ("export", "notifications.outboxmessage", "support")
    assert last.after == {"filters": {"status__exact": "pending"}, "personal": False}


@pytest.mark.parametrize("permissions", [("view_recipient",), ("export_lists",), ("export_personal_data",)])
def test_both_to_see_the_list_and_to_export_lists_must_be_allowed(permissions: tuple[str, ...]) -> None:
    client = staff(*permissions)
    assert client.get(f"{RECIPIENTS}csv/").status_code == 403
    assert "as CSV" not in client.get(RECIPIENTS).content.decode()


def test_a_filter_that_is_none_is_refused(recipient: Recipient) -> None:
    client = staff("view_outboxmessage", "export_lists")
    for odd in ({"status__exact": "\x00"}, {"nothing": "1"}, {"q": "9" * 5000}):
        assert client.get(f"{MESSAGES}csv/", odd).status_code in (200, 400)


def test_the_record_is_exported_by_its_own_permission_only() -> None:
    client = staff("view_operatoraction", "export_lists")
    assert client.get("/admin/notifications/operatoraction/csv/").status_code == 404


def test_every_list_of_the_admin_can_be_exported(admin_client: Client) -> None:
    for model, model_admin in admin.site._registry.items():
        assert isinstance(model_admin, ListExport), model
        if model_admin.exports_its_list:
            answer: Any = admin_client.get(f"/admin/{model._meta.app_label}/{model._meta.model_name}/csv/")
            assert b"".join(answer).count(b"\n") >= 1, model


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1415", "'+1415"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("a=1", "a=1"),
        (-2, "-2"),
        (None, ""),
    ],
)
def test_a_text_is_no_formula_and_a_number_stays_one(value: Any, written: str) -> None:
    assert cell(value) == written
